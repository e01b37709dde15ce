import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Notification, Provider } from '@parse/node-apn'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpApiEvent } from '../src/gateway/event.ts'
import type { Gateway } from '../src/gateway/options.ts'
import {
  ACK,
  answering,
  DATA,
  dial,
  END_STREAM,
  eventually,
  FrameClient,
  frame,
  GOAWAY,
  HEADERS,
  headersFrame,
  makeWorld,
  openSession,
  PING,
  PREFACE,
  post,
  SETTINGS,
  send,
  type World,
} from './gateway-support.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
afterAll(() => world.end())

/** Answers with as many bytes as the path says, and the status 400 if there are any. */
const bySize = answering((event: HttpApiEvent) => {
  const size = Number(event.rawPath.slice(1))
  const body = 'x'.repeat(size)
  return { statusCode: size === 0 ? 200 : 400, headers: { 'apns-id': 'ABC' }, body }
})

describe.each([
  ['ALPN h2', ['h2']],
  ['no ALPN', undefined],
])('frames, %s', (_name, alpn) => {
  let gateway: Gateway
  beforeAll(async () => {
    gateway = await world.start({ functions: bySize })
  })
  const open = async () => {
    const client = new FrameClient(await dial({ gateway, world, ...(alpn && { alpn }) }))
    client.hello()
    return client
  }

  it('an answer without body is one HEADERS frame with END_STREAM', async () => {
    const client = await open()
    client.write(headersFrame(1, post('/0')))
    const frames = await client.stream(1)
    expect(frames.map((f) => [f.type, f.flags & END_STREAM])).toEqual([[HEADERS, END_STREAM]])
    client.destroy()
  })

  it.each([1, 100, 16_384])('%d bytes are one DATA frame with END_STREAM', async (size) => {
    const client = await open()
    client.write(headersFrame(1, post(`/${size}`)))
    const frames = await client.stream(1)
    expect(frames.map((f) => [f.type, f.flags & END_STREAM, f.payload.length])).toEqual([
      [HEADERS, 0, expect.any(Number)],
      [DATA, END_STREAM, size],
    ])
    client.destroy()
  })

  it.each([16_385, 50_000])('%d bytes end in a DATA frame that is not empty', async (size) => {
    const client = await open()
    client.write(headersFrame(1, post(`/${size}`)))
    const frames = (await client.stream(1)).filter((f) => f.type === DATA)
    expect(frames.length).toBe(Math.ceil(size / 16_384))
    expect(frames.every((f) => f.payload.length > 0)).toBe(true)
    expect(frames.reduce((sum, f) => sum + f.payload.length, 0)).toBe(size)
    client.destroy()
  })

  it('frames the same way when the request has a body', async () => {
    const client = await open()
    client.write(headersFrame(1, post('/0'), 0), frame(DATA, END_STREAM, 1, Buffer.from('{}')))
    client.write(headersFrame(3, post('/7'), 0), frame(DATA, 0, 3, Buffer.from('{}')))
    client.write(frame(DATA, END_STREAM, 3))
    const empty = await client.stream(1)
    expect(empty.map((f) => [f.type, f.flags & END_STREAM])).toEqual([[HEADERS, END_STREAM]])
    const full = await client.stream(3)
    expect(full.map((f) => [f.type, f.flags & END_STREAM, f.payload.toString('latin1')])).toEqual([
      [HEADERS, 0, expect.any(String)],
      [DATA, END_STREAM, 'xxxxxxx'],
    ])
    client.destroy()
  })

  it('advertises 1,000 concurrent streams and acknowledges PING', async () => {
    const client = await open()
    client.write(frame(PING, 0, 0, Buffer.from('12345678')))
    const frames = await client.until((all) => all.some((f) => f.type === PING))
    const pong = frames.find((f) => f.type === PING)
    expect([pong?.flags, pong?.payload.toString()]).toEqual([ACK, '12345678'])
    const settings = frames.find((f) => f.type === SETTINGS && f.flags === 0)
    expect(readSetting(settings?.payload, 3)).toBe(1000)
    client.destroy()
  })
})

function readSetting(payload: Buffer | undefined, id: number): number | undefined {
  for (let at = 0; payload !== undefined && at < payload.length; at += 6) {
    if (payload.readUInt16BE(at) === id) return payload.readUInt32BE(at + 2)
  }
  return undefined
}

const echo = answering((event: HttpApiEvent) => ({ statusCode: 200, body: JSON.stringify(event) }))

describe('protocols', () => {
  it('serves HTTP/1.1 to a client that asks for it, and keeps the connection', async () => {
    const gateway = await world.start({ functions: echo })
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    expect(socket.alpnProtocol).toBe('http/1.1')
    for (const turn of ['/one', '/two']) {
      const body = await plainRequest(
        socket,
        `POST ${turn} HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nhi`,
      )
      expect(body).toContain(`"rawPath":"${turn}"`)
      expect(body).toContain('"body":"aGk="')
    }
    socket.destroy()
  })

  it('tells HTTP/1.1 from HTTP/2 by the first bytes when there is no ALPN', async () => {
    const gateway = await world.start({ functions: echo })
    const socket = await dial({ gateway, world })
    expect(socket.alpnProtocol).toBe(false)
    for (const letter of 'PR') {
      socket.write(letter)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const body = await plainRequest(socket, 'OPFIND /x HTTP/1.1\r\nhost: h\r\n\r\n')
    expect(body).toContain('"method":"PROPFIND"')
    socket.destroy()
  })

  it('takes a preface that arrives byte by byte', async () => {
    const gateway = await world.start()
    const socket = await dial({ gateway, world })
    const client = new FrameClient(socket)
    for (const byte of PREFACE) socket.write(Buffer.of(byte))
    client.write(frame(SETTINGS, 0, 0), headersFrame(1, post('/')))
    expect((await client.stream(1)).map((f) => f.type)).toEqual([HEADERS])
    client.destroy()
  })

  it('refuses a client that speaks neither', async () => {
    const gateway = await world.start()
    await expect(dial({ gateway, world, alpn: ['spdy/3'] })).rejects.toThrow(/application.protocol/)
  })

  it('answers node:https', async () => {
    const gateway = await world.start({ functions: echo })
    const options = { host: '127.0.0.1', servername: 'localhost', ca: world.tls.ca, agent: false }
    const body = await new Promise<string>((resolve, reject) => {
      const request = httpsRequest({ ...options, port: gateway.port, path: '/a?b=c' }, (answer) => {
        let text = ''
        answer.on('data', (chunk) => {
          text += chunk
        })
        answer.on('end', () => resolve(text))
      })
      request.on('error', reject)
      request.end()
    })
    expect(JSON.parse(body)).toMatchObject({ rawPath: '/a', rawQueryString: 'b=c' })
  })

  it('takes host for :authority', async () => {
    const gateway = await world.start({ functions: echo })
    const client = new FrameClient(await dial({ gateway, world }))
    client.hello()
    const fields = post('/').filter(([name]) => name !== ':authority')
    client.write(headersFrame(1, [...fields, ['host', 'push.example.test']]))
    const frames = await client.stream(1)
    const event = JSON.parse(frames.at(-1)?.payload.toString() ?? '')
    expect(event.headers.host).toBe('push.example.test')
    client.destroy()
  })
})

function plainRequest(socket: NodeJS.ReadWriteStream, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const onData = (chunk: Buffer) => {
      received += chunk.toString()
      const length = /content-length: (\d+)/i.exec(received)?.[1]
      const start = received.indexOf('\r\n\r\n')
      if (start < 0 || received.length < start + 4 + Number(length)) return
      socket.removeListener('data', onData)
      resolve(received)
    }
    socket.on('data', onData)
    socket.write(text)
  })
}

describe('many at a time', () => {
  it('answers 500 concurrent requests of one connection', async () => {
    const gateway = await world.start({ functions: bySize })
    const session = await openSession({ gateway, world })
    const sends = Array.from({ length: 500 }, () =>
      send(session, { ':path': '/0', ':method': 'POST' }, '{}'),
    )
    const replies = await Promise.all(sends)
    expect(replies.filter(({ status }) => status === 200).length).toBe(500)
    session.close()
  })

  it('frames each of 500 concurrent errors as one DATA frame', async () => {
    const gateway = await world.start({ functions: bySize })
    const client = new FrameClient(await dial({ gateway, world }))
    client.hello()
    const WINDOW_UPDATE = 8
    client.write(frame(WINDOW_UPDATE, 0, 0, Buffer.from([0, 16, 0, 0])))
    const ids = Array.from({ length: 500 }, (_, i) => 2 * i + 1)
    client.write(...ids.map((id) => headersFrame(id, post('/100'))))
    await client.until((all) => all.filter((f) => f.type === DATA).length >= ids.length)
    const data = client.frames.filter((f) => f.type === DATA)
    expect(data.length).toBe(500)
    expect(new Set(data.map((f) => `${f.payload.length} ${f.flags}`))).toEqual(new Set(['100 1']))
    client.destroy()
  })
})

describe('closing', () => {
  /** A gateway whose functions answer when told to. */
  async function startHeld() {
    let release: () => void = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let working = 0
    const functions = answering(async () => {
      working += 1
      await released
      return { statusCode: 200 }
    })
    const gateway = await world.start({ functions })
    return { gateway, release: () => release(), working: () => working }
  }

  it('sends GOAWAY only after the last answer', async () => {
    const { gateway, release, working } = await startHeld()
    const client = new FrameClient(await dial({ gateway, world, alpn: ['h2'] }))
    client.hello()
    client.write(headersFrame(1, post('/')))
    await eventually(() => working() === 1)
    const closed = gateway.close()
    client.write(frame(PING, 0, 0, Buffer.alloc(8)))
    await client.until((all) => all.some((f) => f.type === PING))
    expect(client.frames.some((f) => f.type === GOAWAY)).toBe(false)
    client.write(headersFrame(3, post('/late-but-welcome')))
    await eventually(() => working() === 2)
    release()
    await closed
    const order = client.frames.filter((f) => f.type === HEADERS || f.type === GOAWAY)
    expect(order.map((f) => f.type)).toEqual([HEADERS, HEADERS, GOAWAY])
  })

  it('lets an HTTP/1.1 request end and closes its connection', async () => {
    const { gateway, release, working } = await startHeld()
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    const answer = plainRequest(socket, 'GET / HTTP/1.1\r\nhost: h\r\n\r\n')
    await eventually(() => working() === 1)
    const closed = gateway.close()
    release()
    expect(await answer).toMatch(/^HTTP\/1.1 200 OK/)
    await closed
    await eventually(() => socket.destroyed)
  })

  it('answers what an HTTP/1.1 client has sent ahead before it closes', async () => {
    const { gateway, release, working } = await startHeld()
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString()
    })
    socket.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n'.repeat(3))
    await eventually(() => working() === 3)
    const closed = gateway.close()
    release()
    await closed
    await eventually(() => socket.destroyed)
    expect(received.match(/HTTP\/1.1 200 OK/g)?.length).toBe(3)
  })

  it('does not wait for connections that are idle or silent', async () => {
    const gateway = await world.start({ limits: { drainMs: 60_000 } })
    const quiet = await Promise.all([
      dial({ gateway, world }),
      dial({ gateway, world, alpn: ['http/1.1'] }),
      dial({ gateway, world, alpn: ['h2'] }),
    ])
    for (const socket of quiet) socket.resume()
    const start = performance.now()
    await gateway.close()
    expect(performance.now() - start).toBeLessThan(30_000)
    await eventually(() => quiet.every((socket) => socket.destroyed))
  })

  it('cuts what takes longer than the time it has', async () => {
    const gateway = await world.start({
      functions: answering(() => new Promise(() => {})),
      limits: { drainMs: 100 },
    })
    const session = await openSession({ gateway, world })
    const answer = send(session, { ':path': '/' })
    await Promise.all([gateway.close(), expect(answer).rejects.toThrow()])
  })

  it('says which port is taken', async () => {
    const { port } = await world.start()
    await expect(world.start({ port })).rejects.toThrow(/EADDRINUSE.*127\.0\.0\.1/)
  })
})

describe('real clients', () => {
  const run = promisify(execFile)

  it.each([
    ['--http2', '2'],
    ['--http1.1', '1.1'],
  ])('curl %s', async (flag, version) => {
    const gateway = await world.start({ functions: bySize, truststore: world.ca.cert })
    const files = { cert: join(world.dir, 'client.pem'), key: join(world.dir, 'client-key.pem') }
    writeFileSync(files.cert, world.client.cert)
    writeFileSync(files.key, world.client.key)
    const { stdout } = await run('curl', [
      ...['-sS', flag, '--cacert', world.tls.caFile, '--cert', files.cert, '--key', files.key],
      ...['-d', '{"aps":{}}', '-w', ' %{http_code} %{http_version}', `${gateway.url}/5`],
    ])
    expect(stdout).toBe(`xxxxx 400 ${version}`)
  })

  it('node-apn: 500 notifications over one connection', async () => {
    let invoked = 0
    const functions = answering((event: HttpApiEvent) => {
      invoked += 1
      return { statusCode: 200, headers: { 'apns-id': event.headers['apns-id'] ?? '' } }
    })
    const gateway = await world.start({ functions, truststore: world.ca.cert })
    // Its types leave out the options that point it at another server.
    const options: object = {
      address: 'localhost',
      port: gateway.port,
      ca: Buffer.from(world.tls.ca),
      cert: world.client.cert,
      key: world.client.key,
    }
    const provider = new Provider(options)
    const tokens = Array.from({ length: 500 }, (_, i) => i.toString(16).padStart(64, '0'))
    const { sent, failed } = await provider.send(
      new Notification({ topic: 'com.example.app', alert: 'x' }),
      tokens,
    )
    expect(failed).toEqual([])
    expect([sent.length, invoked]).toEqual([500, 500])
    await provider.shutdown()
  })
})

it('a session without traffic is closed after the idle time, not one with work in flight', async () => {
  let release: () => void = () => {}
  const held = new Promise<{ statusCode: number }>((resolve) => {
    release = () => resolve({ statusCode: 200 })
  })
  const gateway = await world.start({
    functions: answering(() => held),
    limits: { idleMs: 150, quietMs: 100 },
  })
  const idle = await openSession({ gateway, world })
  const busy = await openSession({ gateway, world })
  let goaway = false
  busy.on('goaway', () => {
    goaway = true
  })
  const answer = send(busy, { ':path': '/' })
  await new Promise((resolve) => idle.once('close', resolve))
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(goaway).toBe(false)
  release()
  expect((await answer).status).toBe(200)
  await new Promise((resolve) => busy.once('close', resolve))
})
