import http2 from 'node:http2'
import { Failure } from '../failure.ts'
import type { Address } from '../target.ts'

/** A provider's way in: PEM certificate and key, or a PKCS#12 file. */
export type ClientIdentity =
  | { readonly cert: string; readonly key: string }
  | { readonly pfx: Buffer; readonly passphrase: string }

export interface EdgeRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export interface EdgeAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** From the request's first byte to the answer's last; milliseconds. */
  readonly tookMs: number
}

/** One HTTP/2 connection to the provider edge. */
export interface Edge {
  request(request: EdgeRequest): Promise<EdgeAnswer>
}

/** A provider edge answers within 5 s; the handshake and a slow network come on top. */
const TIME_LIMIT_MS = 15_000

/** Connects with the client certificate, as a provider does, for as long as `work` takes. */
export async function withEdge<T>(
  address: Address,
  identity: ClientIdentity,
  work: (edge: Edge) => Promise<T>,
): Promise<T> {
  const session = connect(address, identity)
  const broken = new Promise<never>((_resolve, reject) => {
    session.once('error', reject)
    session.once('close', () => reject(new Error('the connection was closed')))
  })
  broken.catch(() => {})
  try {
    return await Promise.race([work({ request: (one) => send(session, one) }), broken])
  } catch (fault) {
    throw edgeFailure(fault, address.url)
  } finally {
    session.destroy()
  }
}

function connect({ url, ca }: Address, identity: ClientIdentity): http2.ClientHttp2Session {
  try {
    return http2.connect(url, { ...identity, ...(ca && { ca }) })
  } catch (fault) {
    throw new Failure(
      'usage',
      `the client certificate cannot be used (${reasonOf(fault)}): check the file and its passphrase`,
      { cause: fault },
    )
  }
}

function send(session: http2.ClientHttp2Session, request: EdgeRequest): Promise<EdgeAnswer> {
  const { method, path, headers, body } = request
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers })
    const answer = { status: 0, headers: {} as Record<string, string>, body: '' }
    stream.setTimeout(TIME_LIMIT_MS, () => reject(timeout()))
    stream.setEncoding('utf8')
    stream.on('response', (received) => {
      for (const [name, value] of Object.entries(received)) answer.headers[name] = String(value)
      answer.status = Number(received[':status'])
    })
    stream.on('data', (chunk: string) => {
      answer.body += chunk
    })
    stream.on('error', reject)
    stream.on('end', () => resolve({ ...answer, tookMs: performance.now() - start }))
    stream.end(body)
  })
}

function timeout(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })
}

/** A TLS alert or a failed check of the server, in words; the rest is judged by `failureOf`. */
function edgeFailure(fault: unknown, url: string): unknown {
  if (fault instanceof Failure) return fault
  const code = (fault as { readonly code?: string }).code ?? ''
  const because = (kind: Failure['kind'], text: string) => new Failure(kind, text, { cause: fault })
  if (/ALERT|HANDSHAKE_FAILURE|SOCKET_CLOSED/.test(code))
    return because('refused', `${url} did not accept the client certificate (${code})`)
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|ISSUER/.test(code))
    return because('failed', `the certificate of ${url} is not trusted (${code}): check --ca`)
  if (['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNRESET'].includes(code))
    return because('unreachable', `${url} does not answer (${code}): is the deployment up?`)
  return because('failed', `the connection to ${url} failed: ${reasonOf(fault)}`)
}

function reasonOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}
