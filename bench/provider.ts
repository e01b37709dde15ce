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
export function send(session: http2.ClientHttp2Session, asked: Send): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': asked.path,
      'apns-topic': asked.topic,
      'apns-push-type': 'alert',
      ...asked.headers,
    })
    let status = 0
    stream.on('response', (headers) => {
      status = Number(headers[':status'])
    })
    stream.on('error', reject)
    stream.on('close', () => resolve(status))
    stream.resume()
    stream.end(payloadOf(asked.alert, asked.bytes))
  })
}

/** The payload of a send, with filling where it shall have more bytes than it needs. */
export function payloadOf(alert: string, bytes = 0): string {
  const text = JSON.stringify({ aps: { alert } })
  const missing = bytes - text.length - ',"filling":""'.length
  return missing > 0 ? `${text.slice(0, -1)},"filling":"${'x'.repeat(missing)}"}` : text
}
