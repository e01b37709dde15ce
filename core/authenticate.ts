import { X509Certificate } from 'node:crypto'
import type { Authorities, Clock, Providers } from './ports.ts'
import type { ProviderRequest } from './provider-request.ts'
import {
  judgeProvider,
  type ProviderCertificate,
  readProviderCertificate,
} from './provider-trust.ts'
import { type Rejection, reject } from './rejection.ts'

export interface AuthenticatePorts {
  readonly clock: Clock
  readonly providers: Pick<Providers, 'find'>
  readonly authorities: Authorities
  readonly certificates: CertificateCache
}

/** Certificates that have been read, by their PEM; reading one costs about 300 µs. */
export type CertificateCache = Map<string, ReturnType<typeof readProviderCertificate>>

const MAX_CACHED_CERTIFICATES = 1_000

/** Who sends: the client certificate, if this service issued it and it still counts. */
export async function authenticate(
  request: ProviderRequest,
  ports: AuthenticatePorts,
): Promise<ProviderCertificate | Rejection> {
  const { clientCertificate } = request
  if (clientCertificate === undefined) return withoutCertificate(request.headers.authorization)
  const certificate = await readCached(clientCertificate, ports)
  if ('fault' in certificate) return reject('BadCertificate', certificate.fault)
  const record = await ports.providers.find(certificate.fingerprint)
  return judgeProvider(certificate, record, ports.clock.now()) ?? certificate
}

/** Bearer tokens are no credential here: no key is known (apns-contract §8). */
function withoutCertificate(authorization: string | undefined): Rejection {
  return /^bearer\s+\S/i.test(authorization ?? '')
    ? reject('InvalidProviderToken', 'provider tokens are not supported: use a client certificate')
    : reject('MissingProviderToken', 'the request came without a client certificate')
}

async function readCached(pem: string, ports: AuthenticatePorts) {
  const cached = ports.certificates.get(pem)
  if (cached) return cached
  const authority = await ports.authorities.find('provider')
  if (!authority) throw new Error('the provider CA is not set up: deploy the state stack again')
  const read = readProviderCertificate(pem, new X509Certificate(authority.certificate))
  if (ports.certificates.size >= MAX_CACHED_CERTIFICATES) ports.certificates.clear()
  ports.certificates.set(pem, read)
  return read
}
