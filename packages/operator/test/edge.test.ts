import { once } from 'node:events'
import http2, {
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { openEdge, reconnecting } from '../src/operations/edge.ts'

let server: Http2Server
const sessions = new Set<ServerHttp2Session>()

afterEach(() => {
  for (const session of sessions) session.destroy()
  sessions.clear()
  server.close()
})

/** A server whose n-th request is answered so. */
async function serve(
  answer: (stream: ServerHttp2Stream, request: number) => void,
): Promise<{ readonly edge: ReturnType<typeof reconnecting>; readonly connections: () => number }> {
  let [requests, connections] = [0, 0]
  server = http2.createServer()
  server.on('session', (session) => {
    connections += 1
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream: ServerHttp2Stream) => {
    requests += 1
    stream.on('error', () => {})
    const request = requests
    stream.resume().on('end', () => answer(stream, request))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const edge = reconnecting(() => openEdge({ url }, { authorization: () => 'bearer token' }))
  return { edge, connections: () => connections }
}

const ok = (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200 })
  stream.end('{}')
}

const post = { method: 'POST', path: '/3/devices', body: '{}' } as const

describe('a connection that is lost', () => {
  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ['is closed', (stream) => stream.session?.destroy()],
    [
      'is closed in the middle of an answer',
      (stream) => {
        stream.respond({ ':status': 200 })
        stream.write('{', () => stream.session?.destroy())
      },
    ],
    ['gives the request up', (stream) => stream.close(http2.constants.NGHTTP2_CANCEL)],
    ['refuses the request', (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)],
    [
      'says goodbye with an error',
      (stream) => stream.session?.goaway(http2.constants.NGHTTP2_INTERNAL_ERROR),
    ],
  ])('because it %s: the request fails, the next one goes by another', async (_name, lose) => {
    const { edge, connections } = await serve((stream, request) =>
      request === 1 ? lose(stream) : ok(stream),
    )
    await expect(edge.request(post)).rejects.toMatchObject({ kind: 'unreachable' })
    expect((await edge.request(post)).status).toBe(200)
    expect(connections()).toBe(2)
    edge.close()
  })

  it('with a goodbye is left by the next request, and what is in flight is answered', async () => {
    const late: ServerHttp2Stream[] = []
    const { edge, connections } = await serve((stream, request) => {
      if (request > 1) return ok(stream)
      late.push(stream)
      stream.session?.goaway()
    })
    const first = edge.request(post)
    while (late.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await edge.request(post)).status).toBe(200)
    ok(late[0] as ServerHttp2Stream)
    expect((await first).status).toBe(200)
    expect(connections()).toBe(2)
    edge.close()
  })
})

describe('a connection that holds', () => {
  it('takes all requests, each with the token of its time', async () => {
    const { edge, connections } = await serve(ok)
    const answers = await Promise.all(Array.from({ length: 20 }, () => edge.request(post)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(connections()).toBe(1)
    edge.close()
  })
})
