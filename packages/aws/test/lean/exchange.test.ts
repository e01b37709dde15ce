import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { createServer as createTlsServer, Agent as TlsAgent } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadTls } from '../../../embedded-cloud/src/tls.ts'
import { GetPublicKeyCommand, KMSClient } from '../../src/lean/client-kms.ts'
import { exchange, type Order } from '../../src/lean/exchange.ts'
import { outcome, stubLambdaEnvironment } from './services.ts'
import { answers, type Behavior, breakOff, hangUp, silence, stall, stubOfFile } from './stub.ts'

const stub = stubOfFile()

let agent: Agent
beforeEach(() => {
  stubLambdaEnvironment()
  agent = new Agent({ keepAlive: true })
})
afterEach(() => {
  agent.destroy()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const order = (more: Partial<Order> = {}): Order => ({
  endpoint: new URL(stub.url),
  agent,
  method: 'POST',
  path: '/',
  headers: {},
  body: 'body',
  ...more,
})
const unlimited = { connectionTimeout: 0, requestTimeout: 0 }
const brief = { connectionTimeout: 0, requestTimeout: 40 }

describe('an answer', () => {
  test('is read whole, with status and headers', async () => {
    stub.play(answers({ status: 418, headers: { 'x-kind': 'pot' }, body: 'tea' }))
    expect(await exchange(order(), unlimited)).toMatchObject({
      status: 418,
      headers: { 'x-kind': 'pot' },
      body: 'tea',
    })
  })

  test('may be cut anywhere between its bytes', async () => {
    const text = Buffer.from('{"a":"é漢😀"}')
    stub.play(async (response) => {
      for (const byte of text) {
        response.write(Buffer.of(byte))
        await new Promise(setImmediate)
      }
      response.end()
    })
    expect((await exchange(order(), unlimited)).body).toBe(text.toString())
  })

  test.each([
    ['is not there', hangUp],
    ['ends in the middle', breakOff],
  ])('that %s is a TimeoutError: nobody knows what became of the call', async (_, behavior) => {
    stub.play(behavior)
    await expect(exchange(order(), unlimited)).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'ECONNRESET',
    })
  })

  test.each([
    ['does not begin', silence],
    ['stops in the middle', stall],
  ])('that %s in time is a TimeoutError', async (_, behavior) => {
    stub.play(behavior)
    await expect(exchange(order(), brief)).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  test('that is not HTTP is an error of its own', async () => {
    const server = createServer((socket) => socket.end('220 mail.example.test ESMTP\r\n'))
    const port = await listen(server)
    const endpoint = new URL(`http://127.0.0.1:${port}`)
    await expect(exchange(order({ endpoint }), unlimited)).rejects.toMatchObject({
      code: 'HPE_INVALID_CONSTANT',
    })
    server.close()
  })

  test('in time leaves no timer behind', async () => {
    stub.play(answers({}))
    const started = vi.spyOn(globalThis, 'setTimeout')
    const stopped = vi.spyOn(globalThis, 'clearTimeout')
    await exchange(order(), { connectionTimeout: 9_001, requestTimeout: 9_002 })
    await new Promise(setImmediate)
    const timers = started.mock.calls.flatMap(([, ms], index) =>
      ms === 9_001 || ms === 9_002 ? [started.mock.results[index]?.value] : [],
    )
    expect(timers).toHaveLength(2)
    expect(stopped.mock.calls.flat()).toEqual(expect.arrayContaining(timers))
  })
})

describe('a connection', () => {
  /** Looks names up for ever, so that no connection comes to be. */
  const lost = () => new Agent({ lookup: () => {} })
  const endpoint = new URL('http://nowhere.test')

  test('that does not come in time is a TimeoutError', async () => {
    const limits = { connectionTimeout: 30, requestTimeout: 0 }
    await expect(exchange(order({ endpoint, agent: lost() }), limits)).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'no connection within 30 ms',
    })
  })

  test('has the time of the whole call when it has no limit of its own', async () => {
    await expect(exchange(order({ endpoint, agent: lost() }), brief)).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'no answer within 40 ms',
    })
  })

  test('that is there does not count its limit against the answer', async () => {
    stub.play((response) => setTimeout(() => response.end('late'), 200))
    const limits = { connectionTimeout: 150, requestTimeout: 0 }
    expect((await exchange(order(), limits)).body).toBe('late')
    // the second call finds the socket connected already
    expect((await exchange(order(), limits)).body).toBe('late')
  })

  test('that is refused keeps its name and code', async () => {
    const server = createServer()
    const port = await listen(server)
    await new Promise((done) => server.close(done))
    const refused = exchange(order({ endpoint: new URL(`http://127.0.0.1:${port}`) }), unlimited)
    await expect(refused).rejects.toMatchObject({ name: 'Error', code: 'ECONNREFUSED' })
  })

  test('may be TLS, to a host whose certificate is trusted only', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lean-'))
    const { cert, key, ca } = await loadTls(directory, [])
    rmSync(directory, { recursive: true })
    const server = createTlsServer({ cert, key }, (_, response) => response.end('secret'))
    const endpoint = new URL(`https://127.0.0.1:${await listen(server)}`)
    const trusting = new TlsAgent({ ca })
    expect((await exchange(order({ endpoint, agent: trusting }), unlimited)).body).toBe('secret')
    const doubting = exchange(order({ endpoint, agent: new TlsAgent() }), unlimited)
    await expect(doubting).rejects.toThrow(/certificate/)
    server.close()
  })
})

describe("a client's sockets", () => {
  const ask = new GetPublicKeyCommand({ KeyId: 'k' })

  test('one serves call after call, without waiting for more to send', async () => {
    const opened = connections()
    const requests = stub.play(answers({}))
    const client = new KMSClient({ endpoint: stub.url })
    for (let turn = 0; turn < 5; turn += 1) await client.send(ask)
    expect(new Set(requests.map(({ socket }) => socket)).size).toBe(1)
    expect(opened).toEqual([expect.objectContaining({ noDelay: true, keepAlive: true })])
    client.destroy()
  })

  test('serve the next call after a fault too', async () => {
    const requests = stub.play(answers({ status: 400, body: '{"__type":"Some"}' }, {}))
    const client = new KMSClient({ endpoint: stub.url })
    await expect(client.send(ask)).rejects.toMatchObject({ name: 'Some' })
    await client.send(ask)
    expect(new Set(requests.map(({ socket }) => socket)).size).toBe(1)
    client.destroy()
  })

  test('are no more at a time than allowed; what is beyond waits', async () => {
    let open = 0
    let most = 0
    stub.play((response) => {
      open += 1
      most = Math.max(most, open)
      setTimeout(() => {
        open -= 1
        response.end('{}')
      }, 10)
    })
    const requestHandler = { httpsAgent: { maxSockets: 2 } }
    const client = new KMSClient({ endpoint: stub.url, requestHandler })
    await Promise.all(Array.from({ length: 6 }, () => client.send(ask)))
    expect(most).toBe(2)
    client.destroy()
  })

  test('end the wait for one, too, when the time is up', async () => {
    const requests = stub.play(silence)
    const one = new Agent({ keepAlive: true, maxSockets: 1 })
    // it has the only socket for as long as the others wait
    const first = outcome(exchange(order({ agent: one }), unlimited))
    await vi.waitFor(() => expect(requests).toHaveLength(1))
    const waiting = [1, 2, 3].map(() => outcome(exchange(order({ agent: one }), brief)))
    const faults = await Promise.all(waiting)
    expect(faults.map((fault) => (fault as Error).name)).toEqual(Array(3).fill('TimeoutError'))
    expect(requests).toHaveLength(1)
    one.destroy()
    expect(await first).toBeInstanceOf(Error)
  })

  test('are closed with the client', async () => {
    stub.play(answers({}))
    const sockets: Socket[] = []
    connections((socket) => sockets.push(socket))
    const client = new KMSClient({ endpoint: stub.url })
    await client.send(ask)
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false])
    client.destroy()
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true])
  })
})

describe('a socket that went stale', () => {
  /** Answers the first request of each socket and cuts those after it; the record has each request. */
  const cutReused = () => {
    const seen = new Set<Socket | null>()
    return stub.play((response) => {
      const stale = seen.has(response.socket)
      seen.add(response.socket)
      if (stale) response.socket?.destroy()
      else response.end('fresh')
    })
  }
  /** Leaves so many idle sockets with the agent. */
  const leaveIdle = (count: number) =>
    Promise.all(Array.from({ length: count }, () => exchange(order(), unlimited)))

  test('is answered for by a new one, however many idle ones there are', async () => {
    const requests = cutReused()
    await leaveIdle(3)
    expect((await exchange(order(), unlimited)).body).toBe('fresh')
    expect(requests).toHaveLength(5)
    expect(new Set(requests.map(({ socket }) => socket)).size).toBe(4)
    expect(requests[4]?.body.toString()).toBe('body')
  })

  test('is answered for each of several calls at a time', async () => {
    cutReused()
    await leaveIdle(4)
    const again = await leaveIdle(4)
    expect(again.map(({ body }) => body)).toEqual(Array(4).fill('fresh'))
  })

  test('is answered for over TLS too, where the service says goodbye only then', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lean-'))
    const { cert, key, ca } = await loadTls(directory, [])
    rmSync(directory, { recursive: true })
    const seen = new Set<Socket>()
    const server = createTlsServer({ cert, key }, ({ socket }, response) => {
      if (seen.has(socket)) return socket.end()
      seen.add(socket)
      response.end('fresh')
    })
    const endpoint = new URL(`https://127.0.0.1:${await listen(server)}`)
    const trusting = new TlsAgent({ ca, keepAlive: true })
    const ask = () => exchange(order({ endpoint, agent: trusting }), unlimited)
    expect([(await ask()).body, (await ask()).body]).toEqual(['fresh', 'fresh'])
    trusting.destroy()
    server.close()
  })

  test('is answered for once: a new one that breaks too is a TimeoutError', async () => {
    const requests = stub.play((response, turn) => {
      if (turn === 1) response.end('fresh')
      else response.socket?.destroy()
    })
    await leaveIdle(1)
    await expect(exchange(order(), unlimited)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(requests).toHaveLength(3)
  })

  test.each<[string, Behavior]>([
    ['has begun to answer', breakOff],
    ['is silent until the time is up', silence],
  ])('is not one that %s: the service has the request', async (_, behave) => {
    const requests = stub.play((response, turn) => {
      if (turn === 1) response.end('fresh')
      else behave(response, turn)
    })
    await leaveIdle(1)
    await expect(exchange(order(), brief)).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(requests).toHaveLength(2)
  })

  test('is not a new one', async () => {
    const requests = stub.play(hangUp)
    await expect(exchange(order(), unlimited)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(requests).toHaveLength(1)
  })

  test('costs no more time than one call has', async () => {
    stub.play((response, turn) => {
      if (turn === 1) response.end('fresh')
      else if (turn === 2) setTimeout(() => response.socket?.destroy(), 60)
    })
    await leaveIdle(1)
    const limits = { connectionTimeout: 0, requestTimeout: 5_000 }
    const started = vi.spyOn(globalThis, 'setTimeout')
    const call = outcome(exchange(order(), limits))
    await vi.waitFor(() => expect(limitsOf(started.mock.calls)).toHaveLength(2), 30_000)
    const [first, second] = limitsOf(started.mock.calls)
    expect(first).toBe(5_000)
    expect(second).toBeLessThan(4_950)
    agent.destroy()
    await call
  })
})

/** The milliseconds of the timers that a call was given: those of seconds. */
function limitsOf(calls: readonly (readonly unknown[])[]): number[] {
  return calls.map(([, ms]) => Number(ms)).filter((ms) => ms > 1_000)
}

interface Connects {
  createConnection(options: object, ...more: unknown[]): Socket
}

/** The options of the connections that agents make from now on. */
function connections(onSocket: (socket: Socket) => void = () => {}): object[] {
  const opened: object[] = []
  const agents = Agent.prototype as unknown as Connects
  const connect = agents.createConnection
  vi.spyOn(agents, 'createConnection').mockImplementation(function (
    this: Connects,
    options,
    ...more
  ) {
    opened.push(options)
    const socket = connect.call(this, options, ...more)
    onSocket(socket)
    return socket
  })
  return opened
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}
