import http2 from 'node:http2'
import { Failure } from '../failure.ts'
import type { Address } from '../target.ts'
import type { ProviderTokens } from './provider-token.ts'

/** A provider's way in: PEM certificate and key, a PKCS#12 file, or provider tokens. */
export type ProviderIdentity =
  | { readonly cert: string; readonly key: string }
  | { readonly pfx: Buffer; readonly passphrase: string }
  | ProviderTokens

export interface EdgeRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
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

export interface EdgeConnection extends Edge {
  /** Whether it takes further requests. */
  readonly isOpen: boolean
  /** Ends once all requests in flight have been answered. */
  retire(): void
  /** Ends now. */
  close(): void
}

/** A provider edge answers within 5 s; the handshake and a slow network come on top. */
const TIME_LIMIT_MS = 15_000

/** Connects as a provider for as long as `work` takes. */
export async function withEdge<T>(
  address: Address,
  identity: ProviderIdentity,
  work: (edge: Edge) => Promise<T>,
): Promise<T> {
  const connection = openEdge(address, identity)
  try {
    return await work(connection)
  } finally {
    connection.close()
  }
}

/** Connects as a provider. What happens to the connection is a fault of the requests on it. */
export function openEdge(address: Address, identity: ProviderIdentity): EdgeConnection {
  const session = connect(address, identity)
  const broken = new Promise<never>((_resolve, reject) => {
    session.once('error', reject)
    session.once('close', () => reject(new Error('the connection was closed')))
  })
  broken.catch(() => {})
  return {
    get isOpen() {
      return !session.closed && !session.destroyed
    },
    async request({ headers, ...request }) {
      const authorization = 'authorization' in identity ? identity.authorization() : undefined
      const all = { ...headers, ...(authorization && { authorization }) }
      try {
        return await Promise.race([send(session, { ...request, headers: all }), broken])
      } catch (fault) {
        throw edgeFailure(fault, address.url)
      }
    },
    retire: () => session.close(),
    close: () => session.destroy(),
  }
}

/**
 * An entrance that opens a connection if there is none, or a new one if the last one did not
 * answer.
 */
export function reconnecting(open: () => EdgeConnection): Edge & { close(): void } {
  const opened = new Set<EdgeConnection>()
  let current: EdgeConnection | undefined
  const connection = () => {
    if (current?.isOpen) return current
    current = open()
    opened.add(current)
    return current
  }
  return {
    async request(request) {
      const used = connection()
      try {
        return await used.request(request)
      } catch (fault) {
        if (current === used) current = undefined
        used.retire()
        throw fault
      }
    },
    close() {
      for (const one of opened) one.close()
    },
  }
}

function connect({ url, ca }: Address, identity: ProviderIdentity): http2.ClientHttp2Session {
  const certificate = 'authorization' in identity ? {} : identity
  try {
    // every request in flight listens for the end of the connection
    return http2.connect(url, { ...certificate, ...(ca && { ca }) }).setMaxListeners(0)
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
    stream.setTimeout(TIME_LIMIT_MS, () => {
      stream.close(http2.constants.NGHTTP2_CANCEL)
      reject(timeout())
    })
    stream.setEncoding('utf8')
    stream.on('response', (received) => {
      for (const [name, value] of Object.entries(received)) answer.headers[name] = String(value)
      answer.status = Number(received[':status'])
    })
    stream.on('data', (chunk: string) => {
      answer.body += chunk
    })
    stream.on('error', reject)
    // a stream that the other side gives up ends without an error
    stream.on('close', () => {
      const tookMs = performance.now() - start
      if (answer.status !== 0 && stream.rstCode === http2.constants.NGHTTP2_NO_ERROR)
        resolve({ ...answer, tookMs })
      else reject(new Error('the answer broke off'))
    })
    stream.end(body)
  })
}

function timeout(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })
}

/** Explains a TLS alert or a failed check of the server; everything else is left to `failureOf`. */
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
  return because('unreachable', `the connection to ${url} failed: ${reasonOf(fault)}`)
}

function reasonOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}
