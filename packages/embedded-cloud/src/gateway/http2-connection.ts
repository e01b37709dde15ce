import * as http2 from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { watchSession } from '@heliograph/listener/http2-watch'
import { hasNoBody } from './answers.ts'
import type { HttpApi } from './http-api.ts'
import type { Answer, GatewayLimits } from './options.ts'
import { type Exchange, type Peer, pairHeaders, type RequestHead } from './request.ts'

/** A connection that can be told to end without harm to the work it carries. */
export interface Connection {
  /** Ends the connection at once if it is idle, otherwise as soon as its last answer is out. */
  drain(): void
}

/** RFC 9113 section 8.3.1 pseudo-headers and the name that stands for `host`. */
const METHOD = ':method'
const PATH = ':path'
const AUTHORITY = ':authority'

/**
 * A finite number well above 100: clients send up to 100 requests before they have read it, and some
 * take no number for 1 (apns-contract.md section 9 lists them).
 */
const CONCURRENT_STREAMS = 1000

const sessionOptions: http2.ServerOptions = {
  settings: { maxConcurrentStreams: CONCURRENT_STREAMS, enablePush: false },
  // Beyond 10,240 bytes of headers there is an answer (431); beyond 64 KB or this many a reset.
  maxHeaderListPairs: 512,
  // Megabytes; a thousand streams with ten kilobytes of headers each must not be refused.
  maxSessionMemory: 32,
}

/**
 * Serves HTTP/2 on a TLS socket, whether or not the client named the protocol in ALPN. A GOAWAY is sent
 * only while no request is in flight: several clients fail those it covers.
 */
export function serveHttp2(
  socket: TLSSocket,
  peer: () => Peer,
  api: HttpApi,
  limits: GatewayLimits,
): Connection {
  const session = http2.performServerHandshake(socket, sessionOptions)
  const state = { open: 0, draining: false }
  const closeIfIdle = () => {
    if (state.open === 0 && !session.closed) session.close()
  }
  session.on('error', ignore)
  session.on('frameError', ignore)
  const active = watchSession({ session, limits, open: () => state.open })
  const onStream: StreamListener = (stream, headers, flags, rawHeaders) => {
    state.open += 1
    active()
    stream.on('error', ignore)
    stream.once('close', () => {
      state.open -= 1
      active()
      if (state.draining) closeIfIdle()
    })
    const bodiless = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0
    const exchange = {
      head: readHead(headers, rawHeaders, peer()),
      body: bodiless ? undefined : stream,
      abandoned: () => stream.aborted || stream.destroyed,
    }
    void answerStream(stream, exchange, { api, limits })
  }
  session.on('stream', onStream)
  return {
    drain() {
      state.draining = true
      closeIfIdle()
    },
  }
}

type StreamListener = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
) => void

function ignore(): void {}

/** `host` stands in for `:authority`, as RFC 9113 section 8.3.1 lets clients do. */
function readHead(
  headers: http2.IncomingHttpHeaders,
  rawHeaders: readonly string[],
  peer: Peer,
): RequestHead {
  const authority = headers[AUTHORITY]
  const fields = pairHeaders(rawHeaders).filter(
    ([name]) => !name.startsWith(':') && (name !== 'host' || authority === undefined),
  )
  const host: [string, string][] = authority === undefined ? [] : [['host', authority]]
  return {
    method: headers[METHOD] ?? '',
    target: headers[PATH] ?? '',
    headers: [...host, ...fields],
    peer,
  }
}

async function answerStream(
  stream: http2.ServerHttp2Stream,
  exchange: Exchange,
  { api, limits }: { api: HttpApi; limits: GatewayLimits },
): Promise<void> {
  const answer = await api.answer(exchange)
  if (answer === undefined || stream.destroyed || stream.closed) return
  try {
    respond(stream, exchange.head.method, answer)
    stream.setTimeout(limits.answerMs, () => stream.close(http2.constants.NGHTTP2_CANCEL))
    if (exchange.body !== undefined && !stream.readableEnded) endUpload(stream)
  } catch {
    stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
  }
}

/** One HEADERS frame, and the body, if any, in one write: an empty last DATA frame upsets some clients. */
function respond(stream: http2.ServerHttp2Stream, method: string, answer: Answer): void {
  const { status, body } = answer
  const headers = { ':status': status, ...mutable(answer.headers) }
  const sized = hasNoBody(status) ? headers : { ...headers, 'content-length': String(body.length) }
  const endStream = hasNoBody(status) || body.length === 0 || method === 'HEAD'
  stream.respond(sized, { endStream })
  if (!endStream) stream.end(body)
}

function mutable(headers: Answer['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : [...value],
    ]),
  )
}

/** After a complete answer the rest of the request is not wanted (RFC 9113 section 8.1). */
function endUpload(stream: http2.ServerHttp2Stream): void {
  const close = () => stream.close(http2.constants.NGHTTP2_NO_ERROR)
  if (stream.writableFinished) close()
  else stream.once('finish', close)
}
