import { X509Certificate } from 'node:crypto'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import type { Authorities, Clock, Providers } from '../ports.ts'
import type { AuthenticatedProvider } from '../trust/authenticated-provider.ts'
import { judgeProvider, readProviderCertificate } from '../trust/provider-trust.ts'
import type { TokenTrust } from '../trust/token-trust.ts'
import type { ProviderRequest } from './provider-request.ts'

export interface AuthenticatePorts {
  readonly clock: Clock
  readonly providers: Pick<Providers, 'find'>
  readonly authorities: Authorities
  readonly certificates: CertificateCache
  readonly tokens: TokenTrust
}

/** Certificates that have been read, by their PEM; reading one costs about 300 µs. */
export type CertificateCache = Map<string, ReadCertificate>

type ReadCertificate = ReturnType<typeof readProviderCertificate>

const MAX_CACHED_CERTIFICATES = 1_000

/**
 * Who is sending. If there is a client certificate, it is the credential, and the `authorization`
 * header is ignored (as at Apple); otherwise a bearer token, if the front door takes one.
 */
export async function authenticate(
  request: ProviderRequest,
  ports: AuthenticatePorts,
): Promise<AuthenticatedProvider | Rejection> {
  const { clientCertificate, tokenSource, headers } = request
  if (clientCertificate !== undefined) return byCertificate(clientCertificate, ports)
  return tokenSource === undefined
    ? withoutCertificate(headers.authorization)
    : byToken(headers.authorization, tokenSource, ports)
}

/** The client certificate, if this service issued it and it is still valid. */
async function byCertificate(
  pem: string,
  ports: AuthenticatePorts,
): Promise<AuthenticatedProvider | Rejection> {
  const certificate = await readCached(pem, ports)
  if ('fault' in certificate) return reject('BadCertificate', certificate.fault)
  const { fingerprint: id, topics } = certificate
  const record = await ports.providers.find(id)
  const refusal = judgeProvider(certificate, record, ports.clock.now())
  return refusal ?? { credential: 'certificate', id, topics }
}

async function byToken(
  authorization: string | undefined,
  address: string,
  { tokens }: AuthenticatePorts,
): Promise<AuthenticatedProvider | Rejection> {
  const key = await tokens.judge(authorization, address)
  return isRejection(key) ? key : { credential: 'key', id: key.keyId, topics: key.topics }
}

/** A front door that requires certificates got none: a token does not make up for it. */
function withoutCertificate(authorization: string | undefined): Rejection {
  return /^bearer\s+\S/i.test(authorization ?? '')
    ? reject('InvalidProviderToken', 'this host takes client certificates, not provider tokens')
    : reject('MissingProviderToken', 'the request came without a client certificate')
}

async function readCached(pem: string, ports: AuthenticatePorts) {
  const cached = ports.certificates.get(pem)
  if (cached) return cached
  const authority = await ports.authorities.find('provider')
  if (!authority) throw new Error('the provider CA is not set up: deploy the state stack again')
  const read = readIssued(pem, [authority.certificate, ...(authority.others ?? [])])
  if (ports.certificates.size >= MAX_CACHED_CERTIFICATES) ports.certificates.clear()
  ports.certificates.set(pem, read)
  return read
}

/** As issued by one of these CAs, or else by none. */
function readIssued(pem: string, authorities: readonly string[]): ReadCertificate {
  const [first = '', ...others] = authorities
  const read = readProviderCertificate(pem, new X509Certificate(first))
  return 'fault' in read || read.issued || others.length === 0 ? read : readIssued(pem, others)
}
