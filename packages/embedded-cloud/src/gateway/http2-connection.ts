import * as http2 from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { type Drainable, serveSession } from '@heliograph/listener/http2-session'
import { hasNoBody } from './answers.ts'
import type { HttpApi } from './http-api.ts'
import type { Answer, GatewayLimits } from './options.ts'
import { type Exchange, type Peer, pairHeaders, type RequestHead } from './request.ts'

/** RFC 9113 section 8.3.1: pseudo-headers, and the name that replaces `host`. */
const METHOD = ':method'
const PATH = ':path'
const AUTHORITY = ':authority'

/**
 * A finite number well above 100: clients send up to 100 requests before they have read it, and some
 * take no number for 1 (apns-contract.md section 9 lists them).
 */
const CONCURRENT_STREAMS = 1000

/** Serves a client that speaks HTTP/2. */
export function serveHttp2(
  socket: TLSSocket,
  peer: () => Peer,
  api: HttpApi,
  limits: GatewayLimits,
): Drainable {
  const sessionLimits = { ...limits, streams: CONCURRENT_STREAMS }
  return serveSession(socket, sessionLimits, (stream, headers, flags, rawHeaders) => {
    const bodiless = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0
    const exchange = {
      head: readHead(headers, rawHeaders, peer()),
      body: bodiless ? undefined : stream,
      abandoned: () => stream.aborted || stream.destroyed,
    }
    void answerStream(stream, exchange, { api, limits })
  })
}

/** `host` replaces `:authority`, which RFC 9113 section 8.3.1 permits clients to do. */
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
