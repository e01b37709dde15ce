import { randomBytes } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import type { TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Gateway, GatewayLimits } from '../src/gateway/options.ts'
import {
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
  RST_STREAM,
  SETTINGS,
  send,
  type World,
} from './gateway-support.ts'

let world: World
let gateway: Gateway
let invoked = 0
const thrown: unknown[] = []
const note = (error: unknown) => thrown.push(error)

const limits: Partial<GatewayLimits> = {
  handshakeMs: 1_000,
  bodyMs: 200,
  answerMs: 300,
  quietMs: 200,
  pongMs: 500,
}

beforeAll(async () => {
  process.on('uncaughtException', note).on('unhandledRejection', note)
  world = await makeWorld()
  const functions = answering(() => {
    invoked += 1
    return { statusCode: 200 }
  })
  gateway = await world.start({ functions, limits })
})

afterAll(async () => {
  await world.end()
  process.off('uncaughtException', note).off('unhandledRejection', note)
  expect(thrown).toEqual([])
})

/** On a busy machine an honest handshake may take longer than it may here: then another is tried. */
async function stillServes(triesLeft = 10): Promise<void> {
  try {
    const session = await openSession({ gateway, world })
    expect((await send(session, { ':path': '/' })).status).toBe(200)
    session.close()
  } catch (fault) {
    if (triesLeft === 0) throw fault
    await stillServes(triesLeft - 1)
  }
}

async function openFrames(alpn?: readonly string[]): Promise<FrameClient> {
  const client = new FrameClient(await dial({ gateway, world, ...(alpn && { alpn }) }))
  client.hello()
  return client
}

const CANCEL = Buffer.from([0, 0, 0, 8])

// limits of tenths of a second also meet honest clients where the machine is busy
describe('HTTP/2', { retry: 2 }, () => {
  it('rapid reset: the connection is ended before it has cost much, others are served', async () => {
    const before = invoked
    const client = await openFrames()
    for (let id = 1; id < 20_000 && !client.closed; id += 2) {
      client.write(headersFrame(id, post('/')), frame(RST_STREAM, 0, id, CANCEL))
      if (id % 200 === 1) await new Promise((resolve) => setImmediate(resolve))
    }
    await client.until((all) => all.some((f) => f.type === GOAWAY))
    expect(invoked - before).toBeLessThan(1500)
    await stillServes()
    client.destroy()
  })

  it('floods of PING and SETTINGS are answered or ended', async () => {
    for (const flood of [frame(PING, 0, 0, Buffer.alloc(8)), frame(SETTINGS, 0, 0)]) {
      const client = await openFrames()
      for (let i = 0; i < 20; i++) client.write(...Array.from({ length: 500 }, () => flood))
      await stillServes()
      client.destroy()
    }
  })

  it('a header block that never ends is ended', async () => {
    const client = await openFrames()
    const CONTINUATION = 9
    const open = Buffer.concat(post('/').map(([name, value]) => literal(name, value)))
    client.write(frame(HEADERS, 0, 1, open))
    for (let i = 0; i < 100 && !client.closed; i++) {
      client.write(frame(CONTINUATION, 0, 1, literal('x', 'y'.repeat(100))))
    }
    await client.until(() => false)
    expect(client.closed).toBe(true)
    await stillServes()
  })

  it('a client that takes no data loses its stream, not its connection', async () => {
    const large = await world.start({
      functions: answering(() => ({ statusCode: 200, body: 'x'.repeat(100_000) })),
      limits,
    })
    const client = new FrameClient(await dial({ gateway: large, world }))
    const initialWindowZero = Buffer.from([0, 4, 0, 0, 0, 0])
    client.write(PREFACE, frame(SETTINGS, 0, 0, initialWindowZero), headersFrame(1, post('/')))
    const frames = await client.stream(1)
    expect(frames.map((f) => f.type)).toEqual([HEADERS, RST_STREAM])
    client.write(frame(PING, 0, 0, Buffer.alloc(8)))
    await client.until((all) => all.some((f) => f.type === PING))
    client.destroy()
  })

  it.each([
    ['no :path', post('/').filter(([name]) => name !== ':path')],
    ['an empty :path', post('')],
    ['a :path that is not a path', post('nonsense')],
    ['upper-case names', [...post('/'), ['X-Upper', 'x']] as [string, string][]],
    ['connection headers', [...post('/'), ['connection', 'close']] as [string, string][]],
    [
      'CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', 'a'],
      ] as [string, string][],
    ],
    ['a wrong content-length', [...post('/'), ['content-length', '5']] as [string, string][]],
    ['two :path', [...post('/'), [':path', '/']] as [string, string][]],
  ])('%s: an answer or a reset, at once', async (_name, fields) => {
    const client = await openFrames()
    client.write(headersFrame(1, fields))
    const frames = await client.until((all) => all.some((f) => f.stream === 1 || f.type === GOAWAY))
    expect(frames.filter((f) => f.stream === 1 && f.type === DATA).length).toBeLessThan(2)
    client.destroy()
    await stillServes()
  })

  it('frames at random do no harm', async () => {
    const bytes = fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array))
    const anyFrame = fc
      .tuple(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 9 }),
        bytes,
      )
      .map((parts) => frame(...parts))
    const valid = fc
      .integer({ min: 0, max: 20 })
      .map((n) => headersFrame(2 * n + 1, post('/'), n % 2 === 0 ? END_STREAM : 0))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(anyFrame, valid), { maxLength: 30 }), async (frames) => {
        const client = await openFrames()
        client.write(...frames)
        await new Promise((resolve) => setTimeout(resolve, 2))
        client.destroy()
      }),
      { numRuns: 80 },
    )
    await stillServes()
  })

  const rubbish = frame(DATA, 0, 0, Buffer.from('on stream 0'))
  it.each([
    ['no request', []],
    ['a request being worked on', [headersFrame(1, post('/'))]],
    ['a request without its body', [headersFrame(1, post('/'), 0)]],
  ])('a connection that broke the protocol is let go, with %s', async (_name, requests) => {
    const working = await world.start({
      functions: answering(() => new Promise((resolve) => setTimeout(resolve, 300))),
      limits,
    })
    const client = new FrameClient(await dial({ gateway: working, world }))
    client.hello()
    client.write(...requests, rubbish)
    await client.until((all) => all.some((f) => f.type === GOAWAY))
    await client.until(() => false)
    expect(client.closed).toBe(true)
  })

  it('a client that answers PING is kept, one that does not is let go', async () => {
    const patient = await openSession({ gateway, world })
    const dead = new FrameClient(await dial({ gateway, world }), { mute: true })
    dead.hello()
    await dead.until(() => false)
    expect(dead.frames.some((f) => f.type === PING && f.flags === 0)).toBe(true)
    expect((await send(patient, { ':path': '/' })).status).toBe(200)
    patient.close()
  })

  it('a connection destroyed in mid-work does no harm', async () => {
    const slow = await world.start({
      functions: answering(async () => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        return { statusCode: 400, body: 'late' }
      }),
    })
    for (const alpn of [['h2'], ['http/1.1']]) {
      const socket = await dial({ gateway: slow, world, alpn })
      if (alpn[0] === 'h2') {
        const client = new FrameClient(socket)
        client.hello()
        client.write(...[1, 3, 5].map((id) => headersFrame(id, post('/'))))
      } else socket.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n'.repeat(3))
      await new Promise((resolve) => setTimeout(resolve, 5))
      socket.destroy()
    }
    await new Promise((resolve) => setTimeout(resolve, 40))
  })
})

function literal(name: string, value: string): Buffer {
  const parts = [name, value].flatMap((text) => [Buffer.of(text.length), Buffer.from(text)])
  return Buffer.concat([Buffer.of(0), ...parts])
}

describe('HTTP/1.1', () => {
  const closedAfter = async (socket: TLSSocket): Promise<string> => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    await eventually(() => socket.destroyed)
    return text
  }

  it('what is not HTTP gets 400', async () => {
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    socket.write('\x16\x03\x01 nonsense\r\n\r\n')
    expect(await closedAfter(socket)).toMatch(/^HTTP\/1.1 400 [\s\S]*{"message":"Bad Request"}$/)
  })

  it('both lengths at once are refused (request smuggling)', async () => {
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    const lengths = 'content-length: 4\r\ntransfer-encoding: chunked'
    socket.write(`POST / HTTP/1.1\r\nhost: h\r\n${lengths}\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`)
    expect(await closedAfter(socket)).toMatch(/^HTTP\/1.1 400 /)
  })

  it('headers that trickle in are cut off', async () => {
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    socket.write('GET / HTTP/1.1\r\nhost: h\r\n')
    const drip = setInterval(() => socket.write('x: y\r\n'), 20)
    const text = await closedAfter(socket)
    clearInterval(drip)
    expect(text).toMatch(/^HTTP\/1.1 408 /)
  })

  it('a body that does not come is answered 408 and cut off', async () => {
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    socket.write('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n1')
    expect(await closedAfter(socket)).toMatch(
      /^HTTP\/1.1 408 [\s\S]*{"message":"Request Timeout"}$/,
    )
  })

  it('a client that closes its half of the connection early does no harm', async () => {
    for (const text of [
      '',
      'GE',
      'GET / HTTP/1.1\r\nhost: h\r\n',
      'GET / HTTP/1.1\r\nhost: h\r\n\r\n',
    ]) {
      for (const alpn of [['http/1.1'], ['h2'], undefined]) {
        const socket = await dial({ gateway, world, ...(alpn && { alpn }) })
        socket.resume()
        socket.end(text)
        await eventually(() => socket.destroyed)
      }
    }
    await stillServes()
  })
})

describe('connections that say nothing', () => {
  it('are dropped in time: before TLS, and after it without a protocol', async () => {
    const plain = connectTcp(gateway.port, '127.0.0.1')
    plain.on('error', () => {})
    const half = connectTcp(gateway.port, '127.0.0.1', () => half.write('\x16\x03\x01\x02'))
    half.on('error', () => {})
    const silent = await dial({ gateway, world })
    const partial = await dial({ gateway, world })
    partial.write('PR')
    for (const socket of [plain, half, silent, partial]) socket.resume()
    await eventually(() => [plain, half, silent, partial].every((socket) => socket.destroyed))
  })

  it('rubbish instead of a handshake is dropped', async () => {
    for (let i = 0; i < 20; i++) {
      const socket = connectTcp(gateway.port, '127.0.0.1', () => socket.write(randomBytes(300)))
      socket.on('error', () => {})
      socket.resume()
      await eventually(() => socket.destroyed)
    }
    await stillServes()
  })

  it('a thousand of them hinder nobody', async () => {
    const patient = await world.start({ limits: { handshakeMs: 60_000 } })
    const sockets = Array.from({ length: 1000 }, () => connectTcp(patient.port, '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => {})
    await eventually(() => sockets.every((socket) => !socket.connecting))
    const start = performance.now()
    const session = await openSession({ gateway: patient, world })
    expect((await send(session, { ':path': '/' })).status).toBe(200)
    // not before those have had their time
    expect(performance.now() - start).toBeLessThan(30_000)
    session.close()
    await patient.close()
    await eventually(() => sockets.every((socket) => socket.destroyed || socket.readableEnded))
  })

  it('more than the limit are turned away, and room is made again', async () => {
    const small = await world.start({ limits: { maxConnections: 3 } })
    const held = await Promise.all([1, 2, 3].map(() => dial({ gateway: small, world })))
    await expect(dial({ gateway: small, world })).rejects.toThrow()
    held[0]?.destroy()
    await eventually(() => held[0]?.destroyed === true)
    const next = await retry(() => dial({ gateway: small, world }))
    for (const socket of [...held, next]) socket.destroy()
  })
})

async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 50; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 0) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}
