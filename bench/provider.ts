import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import type { LocalFile } from '../bin/demo.ts'

/** One HTTP/2 connection with the provider's certificate, to Heliograph or to a peer at `url`. */
export function openProvider(local: LocalFile, url?: string): http2.ClientHttp2Session {
  const { ca, cert, key } = local.provider
  return http2.connect(url ?? local.provider.url, {
    ca: readFileSync(ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
  })
}

export interface Send {
  readonly path: string
  readonly topic: string
  readonly alert: string
  /** Further headers, such as `apns-id`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes that the payload is filled up to. */
  readonly bytes?: number
}

/** Posts one notification in APNs form and resolves to the status. */
export async function send(session: http2.ClientHttp2Session, asked: Send): Promise<number> {
  return (await post(session, asked, payloadOf(asked.alert, asked.bytes))).status
}

/** Posts one notification for many devices and resolves to the status of each. */
export async function sendToMany(
  session: http2.ClientHttp2Session,
  tokens: readonly string[],
  asked: Omit<Send, 'path'>,
): Promise<number[]> {
  const payload = payloadOf(asked.alert, asked.bytes)
  const body = `{"tokens":${JSON.stringify(tokens)},"payload":${payload}}`
  const answer = await post(session, { ...asked, path: '/3/devices' }, body)
  if (answer.status !== 200) throw new Error(`the service answered ${answer.status}`)
  return JSON.parse(answer.body).results.map(({ status }: { status: number }) => status)
}

function post(
  session: http2.ClientHttp2Session,
  asked: Send,
  body: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': asked.path,
      'apns-topic': asked.topic,
      'apns-push-type': 'alert',
      ...asked.headers,
    })
    let status = 0
    let answer = ''
    stream.on('response', (headers) => {
      status = Number(headers[':status'])
    })
    stream.on('error', reject)
    stream.on('close', () => resolve({ status, body: answer }))
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      answer += text
    })
    stream.end(body)
  })
}

/** The payload of a send, padded where it is to have more bytes than it needs. */
function payloadOf(alert: string, bytes = 0): string {
  const text = JSON.stringify({ aps: { alert } })
  const missing = bytes - text.length - ',"filling":""'.length
  return missing > 0 ? `${text.slice(0, -1)},"filling":"${'x'.repeat(missing)}"}` : text
}
