import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import type { Expected } from './case.ts'

/** What came back. */
export interface Seen {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** DATA frames with content; none where the HEADERS frame ended the stream. */
  readonly chunks: number
  readonly endedByHeaders: boolean
  readonly tookMs: number
}

/** Why there was no answer. */
export interface Silence {
  readonly silence: string
}

/** A request as it goes out: names with every value they have, in UTF-8. */
export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly fields: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  readonly authority?: string
  readonly host?: string
}

const PATIENCE_MS = 10_000

/** Sends one request and resolves with what came, whatever it was. */
export function send(session: ClientHttp2Session, request: Outgoing): Promise<Seen | Silence> {
  return new Promise((resolve) => {
    const started = performance.now()
    const answer = { headers: {} as IncomingHttpHeaders, flags: 0, chunks: [] as Buffer[] }
    const give = (silence: string) => {
      session.removeListener('close', onClose)
      resolve({ silence })
    }
    const onClose = () => give('the connection was closed')
    try {
      const stream = session.request(headersOf(request), { endStream: request.body.length === 0 })
      session.once('close', onClose)
      stream.setTimeout(PATIENCE_MS, () => stream.close(http2.constants.NGHTTP2_CANCEL))
      stream.on('response', (headers, flags) => Object.assign(answer, { headers, flags }))
      stream.on('data', (chunk: Buffer) => answer.chunks.push(chunk))
      stream.on('error', (error) => give(reasonFor(error)))
      stream.on('close', () => {
        session.removeListener('close', onClose)
        resolve(seenOf(answer, performance.now() - started))
      })
      if (request.body.length > 0) stream.end(request.body)
    } catch (error) {
      give(String(error))
    }
  })
}

/** OpenSSL's words hold addresses and file names. */
function reasonFor({ message }: Error): string {
  const alert = /alert ([a-z ]+)/.exec(message)?.[1]
  return alert ? `no connection: ${alert}` : message
}

function seenOf(
  { headers, flags, chunks }: { headers: IncomingHttpHeaders; flags: number; chunks: Buffer[] },
  tookMs: number,
): Seen | Silence {
  if (headers[':status'] === undefined) return { silence: 'the stream ended without an answer' }
  return {
    status: Number(headers[':status']),
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
    chunks: chunks.length,
    endedByHeaders: (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0,
    tookMs,
  }
}

function headersOf({ method, path, fields, authority, host }: Outgoing) {
  const headers: Record<string, string | string[]> = { ':method': method, ':path': path }
  if (authority !== undefined) headers[':authority'] = authority
  if (host !== undefined) headers.host = host
  for (const [name, value] of fields) {
    const before = headers[name]
    const bytes = Buffer.from(value, 'utf8').toString('latin1')
    headers[name] = before === undefined ? bytes : [before, bytes].flat()
  }
  return headers
}

/** `200`, `400 BadTopic`, or why there was nothing. */
export function summary(seen: Seen | Silence): string {
  if ('silence' in seen) return seen.silence
  return [seen.status, reasonOf(seen) ?? (seen.body ? seen.body.slice(0, 60) : '')].join(' ').trim()
}

export function reasonOf({ body }: Pick<Seen, 'body'>): string | undefined {
  return jsonOf(body)?.reason as string | undefined
}

/** The body as a JSON object, or undefined. */
export function jsonOf(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

export function expectedSummary(expected: Expected | string): string {
  if (typeof expected === 'string') return expected
  const options = 'oneOf' in expected ? expected.oneOf : [expected]
  return options
    .map(({ status, json, anyReason }) => {
      const reason = anyReason ? 'any reason' : String(json?.reason ?? '')
      return `${status} ${reason}`.trim()
    })
    .join(' or ')
}
