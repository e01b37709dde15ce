import { X509Certificate } from 'node:crypto'
import type { Authorities, Authority, Truststore } from '../ports.ts'

export interface TruststorePorts {
  readonly truststore: Truststore
  /** The certificates (PEM) of a version of the truststore, or of the newest. Rejects if it cannot be read. */
  trustedCertificates(version?: string): Promise<readonly string[]>
}

const remedy =
  'restore the version of the object that holds the provider CA and nothing else, and deploy with its version id as truststoreVersion'

/**
 * Puts the CA into the truststore. A truststore that already exists is kept, because someone
 * restored it.
 */
export async function publishAuthority(
  { certificate }: Pick<Authority, 'certificate'>,
  { truststore, trustedCertificates }: TruststorePorts,
): Promise<{ readonly key: string; readonly version: string }> {
  const current = await truststore.current()
  if (current) refuseBeyondLimits(await trustedCertificates())
  return current ?? truststore.put(certificate)
}

/**
 * Chooses the version of the truststore that the provider domain reads: the requested one, or the
 * newest if `current` is requested.
 * @throws a sentence for the operator if providers could not connect with that version.
 */
export async function chooseTruststore(
  wanted: string,
  ports: TruststorePorts & { readonly authorities: Authorities },
): Promise<string> {
  const version = await versionOf(wanted, ports.truststore)
  const held = await ports.trustedCertificates(version)
  refuseBeyondLimits(held)
  await refuseStrangers(held, version, ports.authorities)
  return version
}

async function versionOf(wanted: string, truststore: Truststore): Promise<string> {
  if (wanted !== 'current') return wanted
  const current = await truststore.current()
  if (!current) throw new Error(`there is no truststore in the trust bucket: ${remedy}`)
  return current.version
}

async function refuseStrangers(
  held: readonly string[],
  version: string,
  authorities: Authorities,
): Promise<void> {
  const authority = await authorities.find('provider')
  if (!authority) throw new Error('no provider CA is on record: deploy the State stack first')
  const { fingerprint256 } = new X509Certificate(authority.certificate)
  const isOwn = (pem: string) => new X509Certificate(pem).fingerprint256 === fingerprint256
  if (!held.every(isOwn))
    throw new Error(
      `version ${version} of the truststore holds certificates other than the provider CA: ${remedy}`,
    )
}

/** API Gateway, "Quotas for HTTP APIs": certificates and bytes of a truststore. */
const MOST_CERTIFICATES = 1_000
const MOST_BYTES = 1024 * 1024

/** @throws if API Gateway would not take these certificates. */
function refuseBeyondLimits(pems: readonly string[]): void {
  const bytes = pems.reduce((sum, pem) => sum + Buffer.byteLength(pem) + 1, 0)
  if (pems.length === 0) throw new Error(`the truststore holds no certificate: ${remedy}`)
  if (pems.length > MOST_CERTIFICATES || bytes > MOST_BYTES)
    throw new Error(
      `the truststore holds ${pems.length} certificates in ${bytes} bytes and API Gateway takes at most 1,000 in 1 MB: ${remedy}`,
    )
}
