import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import type { LocalFile } from '../bin/demo.ts'

/** One HTTP/2 connection with the provider's certificate. */
export function openProvider(local: LocalFile): http2.ClientHttp2Session {
  const { url, ca, cert, key } = local.provider
  return http2.connect(url, {
    ca: readFileSync(ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
  })
}

/** Sends one notification and resolves to the status. */
export function send(
  session: http2.ClientHttp2Session,
  topic: string,
  token: string,
  alert: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/3/device/${token}`,
      'apns-topic': topic,
      'apns-push-type': 'alert',
    })
    let status = 0
    stream.on('response', (headers) => {
      status = Number(headers[':status'])
    })
    stream.on('error', reject)
    stream.on('close', () => resolve(status))
    stream.resume()
    stream.end(JSON.stringify({ aps: { alert } }))
  })
}
