import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { CanaryCredentials } from '@heliograph/core/canary/enrollment'
import type {
  CanaryAnswer,
  CanaryNotification,
  CanaryProvider,
} from '@heliograph/core/canary/run-canary'
import { canaryLimits } from '@heliograph/protocol/canary'
import { within } from './within.ts'

/** The payload is as long as a short one of a provider. */
const PAYLOAD = '{"aps":{"alert":"canary"}}'

/** A refusal is shorter; what is longer is not ours. */
const LONGEST_ANSWER = 2_000

/** Connects to the provider domain with the canary's certificate, as any APNs client does. */
export function canaryProvider(
  { url, ca }: { readonly url: string; readonly ca: string | undefined },
  { privateKey, certificate }: CanaryCredentials,
): CanaryProvider {
  let session: ClientHttp2Session | undefined
  return {
    async connect() {
      const opened = connect(url, { key: privateKey, cert: certificate, ...(ca && { ca }) })
      session = opened
      const connected = new Promise<void>((resolve, reject) => {
        opened.once('connect', () => resolve())
        // stays: an error that nobody hears ends the process
        opened.on('error', reject)
        opened.once('close', () => reject(new Error('the connection was closed')))
      })
      await within(canaryLimits.reachMs, connected, `${url} cannot be reached`)
    },
    async send(notification) {
      if (!session) throw new Error('the provider is not connected')
      const stream = session.request(headersOf(notification))
      stream.end(PAYLOAD)
      return await within(canaryLimits.sendMs, answerOf(stream), `${url} does not answer`)
    },
    close: () => session?.destroy(),
  }
}

function headersOf({ token, topic, expiration }: CanaryNotification) {
  return {
    ':method': 'POST',
    ':path': `/3/device/${token}`,
    'apns-topic': topic,
    'apns-push-type': 'alert',
    'apns-priority': '10',
    'apns-expiration': String(expiration),
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<CanaryAnswer> {
  return new Promise((resolve, reject) => {
    let [status, body, uniqueId] = [0, '', '']
    stream.setEncoding('utf8')
    stream.on('response', (headers) => {
      status = Number(headers[':status'])
      uniqueId = String(headers['apns-unique-id'] ?? '')
    })
    stream.on('data', (chunk: string) => {
      body = `${body}${chunk}`.slice(0, LONGEST_ANSWER)
    })
    stream.on('error', reject)
    // a stream that the other side gives up ends without an error
    stream.on('close', () => {
      if (status === 0 || stream.rstCode !== constants.NGHTTP2_NO_ERROR)
        reject(new Error('the answer broke off'))
      else
        resolve({ status, ...(uniqueId && { uniqueId }), ...(body && { reason: reasonIn(body) }) })
    })
  })
}

/** From `{"reason":"…"}`; from anything else, such as an answer of the edge itself, its beginning. */
function reasonIn(body: string): string {
  const [, reason] = /"(?:reason|message)":\s*"([^"]{1,200})"/.exec(body) ?? []
  return reason ?? body.slice(0, 200)
}
