import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Console, startConsole } from '../../packages/operator/src/console/console.ts'
import { ConsoleClient } from '../e2e/console-client.ts'

/**
 * Who attacks the console: a web page that the operator visits, another user of the machine, and somebody who stands
 * between with a name that leads here.
 */

const notes: string[] = []
const files = [{ name: 'index.html', bytes: new TextEncoder().encode('the page') }]

// whoever is let in is told that nobody serves there
const start = (idleMs?: number) =>
  startConsole({
    target: { target: 'machine', state: '/nowhere' },
    ...(idleMs !== undefined && { idleMs }),
    ...{ version: '0', port: 0, files, note: (line) => notes.push(line) },
  })

let served: Console
let page: ConsoleClient

beforeAll(async () => {
  served = await start()
  page = new ConsoleClient(served)
  await page.enter()
})
afterAll(() => served?.close())

const send = { credential: 'x', token: 'x', payload: '{}' }

test('the page itself is let in, and the cookie is kept from scripts and other sites', async () => {
  expect((await page.get('/api/session')).status).toBe(200)
  expect((await page.get('/api/devices')).status).toBe(502)
  expect((await page.post('/api/send', send)).status).toBe(404)
})

describe('a web page elsewhere', () => {
  test.each([
    ['by DNS rebinding', { host: 'rebound.example' }],
    ['by DNS rebinding, at our port', { host: () => `rebound.example:${page.port}` }],
    ['as another origin', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['from a sandbox', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['from another port', { 'sec-fetch-site': 'same-site' }],
  ])('reads nothing and changes nothing, %s, even with the cookie', async (_how, given) => {
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [
        name,
        typeof value === 'function' ? value() : value,
      ]),
    )
    for (const path of ['/api/session', '/api/doctor', '/api/overview/live']) {
      const answer = await page.ask(path, { headers })
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([
        403,
        undefined,
      ])
    }
    const change = await page.ask('/api/send', { method: 'POST', headers, body: send })
    expect(change.status).toBe(403)
  })

  test.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a form of plain text', { 'content-type': 'text/plain' }, 415],
    ['a request without the header', { 'heliograph-console': undefined }, 403],
    ['a request without an origin', { origin: undefined }, 403],
  ])('changes nothing by %s', async (_what, headers, status) => {
    const answer = await page.ask('/api/send', { method: 'POST', headers, body: send })
    expect(answer.status).toBe(status)
  })

  test('is not allowed to ask by a preflight', async () => {
    const headers = {
      ...{ origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      'access-control-request-headers': 'heliograph-console,content-type',
    }
    const answer = await page.ask('/api/send', { method: 'OPTIONS', headers })
    expect(answer.status).toBe(403)
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    )
  })

  test('shows no view of the page in a frame', async () => {
    const { headers } = await page.get('/devices/x')
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
  })
})

describe('another user of the machine', () => {
  const without = () => {
    const client = new ConsoleClient(served)
    return client
  }

  test.each([
    ['no cookie', undefined],
    ['a guess', () => `heliograph-console-${page.port}=${'a'.repeat(43)}`],
    ['the printed key as cookie', () => `heliograph-console-${page.port}=${page.key}`],
    ['an empty cookie', () => `heliograph-console-${page.port}=`],
    ['another console’s', () => `heliograph-console-1=${page.cookie?.split('=')[1]}`],
  ])('gets nothing with %s', async (_what, cookie) => {
    const client = without()
    client.cookie = typeof cookie === 'function' ? cookie() : cookie
    for (const path of ['/api/session', '/api/nothing', '/api/events']) {
      const answer = await client.get<{ error: { kind: string } }>(path)
      expect([answer.status, answer.value.error.kind]).toEqual([401, 'session'])
    }
    expect((await client.post('/api/session/end')).status).toBe(401)
  })

  test('gets no session with a key that was used, and the operator is told', async () => {
    const client = without()
    const answer = await client.enter()
    expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined])
    expect(notes.at(-1)).toContain('was opened before')
    expect((await page.get('/api/session')).status).toBe(200)
  })

  test('has few guesses, and the operator is told', async () => {
    const own = await start()
    const [client, guesser] = [new ConsoleClient(own), new ConsoleClient(own)]
    for (let guess = 0; guess < 10; guess += 1)
      expect((await guesser.ask(`/enter?key=${guess}`)).status).toBe(403)
    expect((await client.enter()).status).toBe(403)
    expect(notes.at(-1)).toContain('Too many wrong keys')
    await own.close()
  })

  test('cannot have a page elsewhere use up the guesses', async () => {
    const own = await start()
    const client = new ConsoleClient(own)
    const headers = { 'sec-fetch-site': 'cross-site' }
    for (let guess = 0; guess < 20; guess += 1)
      expect((await client.ask(`/enter?key=${guess}`, { headers })).status).toBe(403)
    expect((await client.enter()).status).toBe(303)
    await own.close()
  })

  test('is not reached by the network: it listens on loopback only', async () => {
    const answer = await new Promise((resolve) => {
      // another address of loopback, which only a listener on every address has
      const socket = connect({ host: '127.0.0.2', port: page.port }, () => resolve('connected'))
      socket.once('error', () => resolve('refused'))
      socket.setTimeout(2_000, () => resolve('silent'))
    })
    expect(answer).not.toBe('connected')
  })
})

describe('whoever speaks strangely', () => {
  let client: ConsoleClient
  beforeEach(() => {
    client = page
  })

  test('by a body that is too large, said or not, is refused', async () => {
    const body = JSON.stringify({ payload: 'x'.repeat(300 * 1024) })
    expect((await client.post('/api/send', body)).status).toBe(413)
    const headers = { 'transfer-encoding': 'chunked' }
    expect((await client.ask('/api/send', { method: 'POST', headers, body })).status).toBe(413)
  })

  test.each(['', '[]', 'null', '"x"', '{', '{"__proto__":1'])('by the body %j', async (body) => {
    expect((await client.post('/api/send', body)).status).toBe(400)
  })

  test('by values of other kinds', async () => {
    for (const token of [1, null, {}, ['a']]) {
      const answer = await client.post('/api/send', { ...send, token })
      expect(answer.status).toBe(400)
    }
  })

  test('by headers inside of headers is stopped before anything is sent', async () => {
    const credential = await client.post<{ id: string }>('/api/credentials', {
      ...{ kind: 'pem', certificate: 'x', key: 'x' },
    })
    expect(credential.status).toBe(400)
  })

  test('by headers that never end is cut off', async () => {
    const ended = await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: page.port })
      let text = ''
      socket.setEncoding('utf8')
      socket.write('GET / HTTP/1.1\r\n')
      const drip = setInterval(() => socket.write('x: y\r\n'), 500)
      socket.on('data', (chunk: string) => {
        text += chunk
      })
      // what drips after the end is reset
      socket.on('error', () => {})
      socket.once('close', () => {
        clearInterval(drip)
        resolve(text)
      })
    })
    expect(ended).toMatch(/^(HTTP\/1\.1 408|$)/)
  })

  test('by more headers than anybody needs', async () => {
    const answer = await client
      .ask('/', { headers: { 'x-long': 'x'.repeat(20 * 1024) } })
      .catch(() => ({ status: 431 }))
    expect(answer.status).toBe(431)
  })

  test('by an upgrade is hung up on', async () => {
    const headers = { connection: 'upgrade', upgrade: 'websocket' }
    await expect(client.ask('/api/events', { headers })).rejects.toThrow()
  })
})

/** Hears the overview until the console says goodbye; resolves when it has begun to speak. */
async function listening(client: ConsoleClient) {
  let begin: () => void = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const heard = client.listen('/api/overview/live', (name) => {
    begin()
    return name === 'bye' ? 'enough' : undefined
  })
  await begun
  return { heard }
}

test('a stream is told that the console ends', async () => {
  const own = await start()
  const client = new ConsoleClient(own)
  await client.enter()
  const { heard } = await listening(client)
  expect((await client.post('/api/session/end')).status).toBe(200)
  await own.close(await own.over)
  expect((await heard).at(-1)).toEqual(['bye', { reason: 'stopped' }])
  await expect(client.get('/api/session')).rejects.toThrow()
})

test('a console that nobody uses ends, though a page listens', async () => {
  const own = await start(500)
  const client = new ConsoleClient(own)
  await client.enter()
  const { heard } = await listening(client)
  const how = await own.over
  await own.close(how)
  expect([how, (await heard).at(-1)]).toEqual(['idle', ['bye', { reason: 'idle' }]])
})
