import { type ClientHttp2Session, constants } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpApiEvent } from '../src/gateway/event.ts'
import type { GatewayOptions } from '../src/gateway/options.ts'
import { beginEvent, FunctionFault, type InvokeOptions } from '../src/types.ts'
import {
  answering,
  DATA,
  dial,
  eventually,
  FrameClient,
  FUNCTION,
  frame,
  headersFrame,
  makeWorld,
  openSession,
  post,
  RST_STREAM,
  send,
  type World,
} from './gateway-support.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
afterAll(() => world.end())

async function connectTo(options: Partial<GatewayOptions>): Promise<ClientHttp2Session> {
  return openSession({ gateway: await world.start(options), world })
}

const message = (text: string) => JSON.stringify({ message: text })

describe('answers that the gateway makes itself', () => {
  it('500 when the function fails, with the fault in the log only', async () => {
    const session = await connectTo({
      functions: answering(() => {
        throw new FunctionFault('TypeError', 'secret detail')
      }),
    })
    const reply = await send(session, { ':path': '/' })
    expect(reply).toMatchObject({ status: 500, body: message('Internal Server Error') })
    expect(reply.headers['content-type']).toBe('application/json')
    expect(world.lines.at(-1)).toMatch(/\$default .*the function failed: TypeError: secret detail/)
    session.close()
  })

  it('500 when the result is no answer', async () => {
    const session = await connectTo({ functions: answering(() => ({ statusCode: 200, body: 1 })) })
    const reply = await send(session, { ':path': '/' })
    expect(reply).toMatchObject({ status: 500, body: message('Internal Server Error') })
    expect(world.lines.at(-1)).toMatch(/body is not a string/)
    session.close()
  })

  it('500 when no permission lets the gateway invoke the function', async () => {
    const asked: string[][] = []
    const session = await connectTo({
      routes: [
        { method: 'ANY', path: '/3/device/{token}', functionArn: FUNCTION },
        { method: 'ANY', path: '$default', functionArn: FUNCTION },
      ],
      permits: (...args) => {
        asked.push(args)
        return false
      },
    })
    await send(session, { ':path': '/3/device/abc', ':method': 'POST' })
    expect((await send(session, { ':path': '/' })).status).toBe(500)
    const source = 'arn:aws:execute-api:us-east-1:000000000000:api1234567/$default'
    expect(asked).toEqual([
      [FUNCTION, `${source}/POST/3/device/{token}`],
      [FUNCTION, `${source}/$default`],
    ])
    expect(world.lines.at(-1)).toMatch(/no Lambda::Permission lets arn:aws:execute-api/)
    session.close()
  })

  it('503 when the function is too late', async () => {
    const session = await connectTo({
      routes: [{ method: 'ANY', path: '$default', functionArn: FUNCTION, timeoutMs: 50 }],
      functions: answering(() => new Promise(() => {})),
    })
    const reply = await send(session, { ':path': '/' })
    expect(reply).toMatchObject({ status: 503, body: message('Service Unavailable') })
    session.close()
  })

  it('none for a request that waits for its turn longer than a function may take', async () => {
    const events: HttpApiEvent[] = []
    const invoke = async (_arn: string, event: unknown, options?: InvokeOptions) => {
      const askedAt = Date.now()
      await new Promise((resolve) => setTimeout(resolve, 200))
      const begun = beginEvent(event, options) as HttpApiEvent
      events.push(begun)
      return { statusCode: begun.requestContext.timeEpoch - askedAt > 100 ? 200 : 500 }
    }
    const session = await connectTo({
      routes: [{ method: 'ANY', path: '$default', functionArn: FUNCTION, timeoutMs: 50 }],
      functions: { ...answering(() => {}), invoke },
    })
    expect((await send(session, { ':path': '/' })).status).toBe(200)
    session.close()
  })

  it('503 where there is no capacity to run the function', async () => {
    const functions = answering(() => {
      throw new FunctionFault('TooManyRequestsException', 'Rate Exceeded.')
    })
    const session = await connectTo({ functions })
    expect((await send(session, { ':path': '/' })).status).toBe(503)
    session.close()
  })

  it('none for a client that has left before its turn: the function is not asked', async () => {
    const wanted: (boolean | undefined)[] = []
    const invoke = async (_arn: string, _event: unknown, options?: InvokeOptions) => {
      const isWanted = () => wanted.push(options?.isWanted?.())
      isWanted()
      await eventually(() => options?.isWanted?.() === false)
      isWanted()
      return { statusCode: 200 }
    }
    const session = await connectTo({ functions: { ...answering(() => {}), invoke } })
    const stream = session.request({ ':path': '/' })
    stream.on('error', () => {})
    await eventually(() => wanted.length === 1)
    stream.close(constants.NGHTTP2_CANCEL)
    await eventually(() => wanted.length === 2)
    expect(wanted).toEqual([true, false])
    session.close()
  })

  it('404 without a route', async () => {
    const session = await connectTo({
      routes: [{ method: 'GET', path: '/a', functionArn: FUNCTION }],
    })
    const reply = await send(session, { ':path': '/b' })
    expect(reply).toMatchObject({ status: 404, body: message('Not Found') })
    session.close()
  })

  it('429 beyond the throttle', async () => {
    const session = await connectTo({ throttle: { rateLimit: 0.001, burstLimit: 2 } })
    const replies = [
      await send(session, { ':path': '/' }),
      await send(session, { ':path': '/' }),
      await send(session, { ':path': '/' }),
    ]
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(replies[2]?.body).toBe(message('Too Many Requests'))
    session.close()
  })

  it("429 beyond a route's own throttle, which takes nothing from the others", async () => {
    const session = await connectTo({
      routes: [
        { method: 'GET', path: '/a', functionArn: FUNCTION },
        { method: 'GET', path: '/b', functionArn: FUNCTION },
      ],
      throttle: { rateLimit: 0.001, burstLimit: 2 },
      routeThrottles: { 'GET /a': { rateLimit: 0.001, burstLimit: 1 } },
    })
    const statuses: unknown[] = []
    for (const path of ['/a', '/a', '/b', '/b', '/b'])
      statuses.push((await send(session, { ':path': path })).status)
    expect(statuses).toEqual([200, 429, 200, 200, 429])
    session.close()
  })

  it('503 beyond the requests it can work on at a time', async () => {
    let release: (result: unknown) => void = () => {}
    const functions = answering(() => new Promise((resolve) => (release = resolve)))
    const session = await connectTo({ functions, limits: { maxInFlight: 1 } })
    const first = send(session, { ':path': '/' })
    const second = await send(session, { ':path': '/' })
    expect(second.status).toBe(503)
    release({ statusCode: 200 })
    expect((await first).status).toBe(200)
    session.close()
  })

  it('carries a request id that the event has too', async () => {
    const session = await connectTo({
      functions: answering((event: HttpApiEvent) => ({
        statusCode: 200,
        body: event.requestContext.requestId,
      })),
    })
    const reply = await send(session, { ':path': '/' })
    expect(reply.body).toMatch(/^[\w+/]{15}=$/)
    expect(reply.headers['apigw-requestid']).toBe(reply.body)
    session.close()
  })

  it('may be shaped otherwise, by an edge that can', async () => {
    const session = await connectTo({
      routes: [],
      shapeRefusal: ({ status }, headers) => ({
        status,
        headers: { 'content-type': 'application/json', 'apns-id': headers.get('apns-id') ?? '' },
        body: Buffer.from('{"reason":"BadPath"}'),
      }),
    })
    const reply = await send(session, { ':path': '/', 'apns-id': 'ABC' })
    expect(reply).toMatchObject({ status: 404, body: '{"reason":"BadPath"}' })
    expect(reply.headers['apns-id']).toBe('ABC')
    session.close()
  })
})

describe('headers', () => {
  it.each([
    [10_100, 200],
    [10_240, 431],
    [50_000, 431],
  ])('a value of %d bytes: %d over HTTP/2', async (size, status) => {
    const session = await connectTo({})
    const reply = await send(session, { ':path': '/', 'apns-collapse-id': 'x'.repeat(size) })
    expect(reply.status).toBe(status)
    expect((await send(session, { ':path': '/' })).status).toBe(200)
    session.close()
  })

  it.each([
    [10_100, 200],
    [10_240, 431],
    [70_000, 431],
  ])('a value of %d bytes: %d over HTTP/1.1', async (size, status) => {
    const gateway = await world.start()
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    const answer = new Promise<Buffer>((resolve) => socket.once('data', resolve))
    socket.write(`GET / HTTP/1.1\r\nhost: h\r\nx: ${'x'.repeat(size)}\r\n\r\n`)
    expect((await answer).toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    socket.destroy()
  })

  it('more than 64 KB are refused without harm to others', async () => {
    const gateway = await world.start()
    const session = await openSession({ gateway, world })
    const other = await openSession({ gateway, world })
    const huge = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`x-${i}`, 'x'.repeat(5000)]),
    )
    await expect(send(session, { ':path': '/', ...huge })).rejects.toThrow()
    expect((await send(other, { ':path': '/' })).status).toBe(200)
    session.destroy()
    other.close()
  })

  it('three hundred small ones are fine', async () => {
    const session = await connectTo({})
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'y']))
    expect((await send(session, { ':path': '/', ...many })).status).toBe(200)
    session.close()
  })

  it('go through byte by byte', async () => {
    const seen: string[] = []
    const session = await connectTo({
      functions: answering((event: HttpApiEvent) => {
        seen.push(event.headers['x-odd'] ?? '')
        return { statusCode: 200, headers: { 'heliograph-detail': 'é' } }
      }),
    })
    const bytes = Buffer.from('é😀\x80', 'utf8').toString('latin1')
    const reply = await send(session, { ':path': '/', 'x-odd': bytes })
    expect(seen).toEqual([bytes])
    expect(Buffer.from(String(reply.headers['heliograph-detail']), 'latin1').toString()).toBe('é')
    session.close()
  })
})

describe('bodies', () => {
  const sizes = answering((event: HttpApiEvent) => {
    const text = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
    return { statusCode: 200, body: String(text.length) }
  })

  it('10 MB pass, one byte more is 413', async () => {
    const session = await connectTo({ functions: sizes })
    const limit = 10 * 1024 * 1024
    const path = { ':path': '/', ':method': 'POST' }
    expect((await send(session, path, Buffer.alloc(limit))).body).toBe(String(limit))
    const reply = await send(session, path, Buffer.alloc(limit + 1))
    expect(reply).toMatchObject({ status: 413, body: message('Request Entity Too Large') })
    session.close()
  })

  it('one that says it is larger is refused unread', async () => {
    const gateway = await world.start()
    const client = new FrameClient(await dial({ gateway, world }))
    client.hello()
    client.write(headersFrame(1, [...post('/'), ['content-length', '99999999']], 0))
    const frames = await client.stream(1)
    expect(frames.at(-1)?.payload.toString()).toBe(message('Request Entity Too Large'))
    client.destroy()
  })

  it('413 reaches an HTTP/1.1 client, whose connection then ends', async () => {
    const gateway = await world.start()
    const socket = await dial({ gateway, world, alpn: ['http/1.1'] })
    const answer = new Promise<Buffer>((resolve) => socket.once('data', resolve))
    socket.write('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 99999999\r\n\r\n')
    expect((await answer).toString()).toMatch(/^HTTP\/1.1 413 [\s\S]*connection: close/i)
    await eventually(() => socket.destroyed)
  })

  it('a slow one is answered 408 and its stream ended, the connection lives on', async () => {
    const gateway = await world.start({ limits: { bodyMs: 100 } })
    const client = new FrameClient(await dial({ gateway, world }))
    client.hello()
    client.write(headersFrame(1, post('/'), 0), frame(DATA, 0, 1, Buffer.from('{"a')))
    const frames = await client.stream(1)
    expect(frames.at(-1)?.payload.toString()).toBe(message('Request Timeout'))
    await client.until((all) => all.some((f) => f.type === RST_STREAM && f.stream === 1))
    client.write(headersFrame(3, post('/')))
    expect((await client.stream(3)).length).toBe(1)
    client.destroy()
  })

  it('one that is cut short never reaches the function', async () => {
    const reached: string[] = []
    const functions = answering((event: HttpApiEvent) => {
      reached.push(event.rawPath)
      return { statusCode: 200 }
    })
    const gateway = await world.start({ functions })
    const client = new FrameClient(await dial({ gateway, world }))
    client.hello()
    const cancel = Buffer.from([0, 0, 0, 8])
    client.write(headersFrame(1, post('/reset'), 0), frame(DATA, 0, 1, Buffer.from('{"a')))
    client.write(frame(RST_STREAM, 0, 1, cancel))
    client.write(headersFrame(3, post('/reset-at-once')), frame(RST_STREAM, 0, 3, cancel))
    client.write(headersFrame(5, post('/whole')))
    await client.stream(5)
    const plain = await dial({ gateway, world, alpn: ['http/1.1'] })
    plain.write('POST /cut HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n12345')
    plain.resume().end()
    await eventually(() => plain.destroyed)
    client.write(headersFrame(7, post('/whole')))
    await client.stream(7)
    expect(reached).toEqual(['/whole', '/whole'])
    client.destroy()
  })

  it('all of them together stay within the memory set aside', async () => {
    const session = await connectTo({ functions: sizes, limits: { maxBufferedBytes: 100_000 } })
    const path = { ':path': '/', ':method': 'POST' }
    expect((await send(session, path, Buffer.alloc(100_001))).status).toBe(503)
    for (let i = 0; i < 3; i++) {
      expect((await send(session, path, Buffer.alloc(90_000))).status).toBe(200)
    }
    session.close()
  })
})
