import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { rejections } from '@heliograph/protocol/rejection'
import type { LocalFile } from '../../bin/demo.ts'
import type { Answered, Lane } from './ledger.ts'

/** A provider on one HTTP/2 connection, which it opens again when it is lost. */
export class FaultProvider {
  readonly #local: LocalFile
  #session: http2.ClientHttp2Session | undefined

  constructor(local: LocalFile) {
    this.#local = local
  }

  send(lane: Lane, text: string, headers: Readonly<Record<string, string>> = {}) {
    return ask(this.#open(), {
      ':method': 'POST',
      ':path': `/3/device/${lane.token}`,
      'apns-topic': lane.topic,
      body: JSON.stringify({ aps: { alert: text } }),
      ...headers,
    })
  }

  close(): void {
    this.#session?.close()
    this.#session = undefined
  }

  #open(): http2.ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session
    const { url, ca, cert, key } = this.#local.provider
    this.#session = http2.connect(url, {
      ca: readFileSync(ca),
      cert: readFileSync(cert),
      key: readFileSync(key),
    })
    this.#session.on('error', () => {})
    return this.#session
  }
}

/** How long the test waits for an answer; the service promises one within 5 s. */
const GIVE_UP_MS = 15_000

function ask(
  session: http2.ClientHttp2Session,
  { body, ...headers }: Readonly<Record<string, string>>,
): Promise<Answered> {
  return new Promise((resolve) => {
    const started = performance.now()
    let answer: http2.IncomingHttpHeaders = {}
    let text = ''
    const stream = session.request(headers)
    const timer = setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), GIVE_UP_MS)
    stream.setEncoding('utf8')
    stream.on('response', (received) => {
      answer = received
    })
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    stream.on('error', () => {})
    stream.on('close', () => {
      clearTimeout(timer)
      resolve(answered(answer, text, performance.now() - started))
    })
    stream.end(body)
  })
}

function answered(headers: http2.IncomingHttpHeaders, body: string, ms: number): Answered {
  const status = Number(headers[':status'] ?? 0)
  const uniqueId = headers['apns-unique-id']
  return {
    status,
    ms,
    uniqueId: typeof uniqueId === 'string' ? uniqueId : undefined,
    ...judgeShape(status, headers, body),
  }
}

/** Apple's form: 200 has no body, everything else a `reason` of Apple's list with its status. */
function judgeShape(
  status: number,
  headers: http2.IncomingHttpHeaders,
  body: string,
): Pick<Answered, 'reason' | 'malformed'> {
  if (status === 0) return { reason: undefined, malformed: 'no answer' }
  if (headers['apns-id'] === undefined)
    return { reason: undefined, malformed: `${status} without apns-id: ${body}` }
  if (status === 200)
    return { reason: undefined, malformed: body === '' ? undefined : `200 with a body: ${body}` }
  const reason = reasonOf(body)
  const known = Object.entries(rejections).find(([name]) => name === reason)
  const malformed = known?.[1].status === status ? undefined : `${status} ${body}`
  return { reason, malformed }
}

function reasonOf(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { reason?: string }).reason
  } catch {
    return undefined
  }
}
