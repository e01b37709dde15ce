import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { issueAuthority, type SigningKey } from '../../core/certificate.ts'
import type { Authorities, Authority, Clock, Ids, Truststore } from '../../core/ports.ts'
import type { Made } from '../custom-resource.ts'

export interface AuthorityKey extends SigningKey {
  readonly arn: string
  /** SubjectPublicKeyInfo, DER. */
  publicKey(): Promise<Uint8Array>
}

export interface AuthorityPorts {
  readonly clock: Clock
  readonly ids: Ids
  readonly stage: string
  readonly authorities: Authorities & { save(authority: Authority): Promise<void> }
  readonly keys: Readonly<Record<Authority['name'], AuthorityKey>>
  readonly truststore: Truststore
  /** The certificates (PEM) of the truststore that is there. */
  trustedCertificates(): Promise<readonly string[]>
}

const CA_YEARS = 20
const YEAR_MS = 365.25 * 24 * 3600_000

/**
 * Makes a CA's certificate once and keeps it: a second deployment, a changed property or a repeated
 * event must never make another, which would lock all providers or devices out.
 */
export async function makeAuthority(
  event: CloudFormationCustomResourceEvent,
  ports: AuthorityPorts,
): Promise<Made> {
  const name = event.ResourceProperties.authority
  if (name !== 'provider' && name !== 'device') throw new Error('authority is provider or device')
  const physicalId = `${ports.stage}-${name}-authority`
  if (event.RequestType === 'Delete') {
    // a stage that keeps its data keeps its bucket, and this function may not delete there
    if (name === 'provider' && event.ResourceProperties.removal === 'destroy')
      await ports.truststore.clear()
    return { physicalId }
  }
  const authority = (await ports.authorities.find(name)) ?? (await issue(name, ports))
  return name === 'provider'
    ? { physicalId, attributes: await publish(authority, ports) }
    : { physicalId }
}

async function issue(name: Authority['name'], ports: AuthorityPorts): Promise<Authority> {
  const key = ports.keys[name]
  const now = ports.clock.now()
  const validity = { notBefore: new Date(now), notAfter: new Date(now + CA_YEARS * YEAR_MS) }
  const title = `Heliograph ${ports.stage} ${name} CA`
  const publicKey = await key.publicKey()
  const certificate = await issueAuthority(title, publicKey, validity, ports.ids.bytes(16), key)
  const authority = { name, certificate, keyArn: key.arn }
  await ports.authorities.save(authority)
  return authority
}

/** A truststore that is there already is kept, as somebody restored it. */
async function publish(authority: Authority, { truststore, trustedCertificates }: AuthorityPorts) {
  const current = await truststore.current()
  if (current) refuseBeyondLimits(await trustedCertificates())
  const { key, version } = current ?? (await truststore.put(authority.certificate))
  return { TruststoreKey: key, TruststoreVersion: version }
}

/** API Gateway, "Quotas for HTTP APIs": certificates and bytes of a truststore. */
const MOST_CERTIFICATES = 1_000
const MOST_BYTES = 1024 * 1024

function refuseBeyondLimits(pems: readonly string[]): void {
  const bytes = pems.reduce((sum, pem) => sum + Buffer.byteLength(pem) + 1, 0)
  const remedy = 'restore the version of the object that holds the provider CA and nothing else'
  if (pems.length === 0) throw new Error(`the truststore holds no certificate: ${remedy}`)
  if (pems.length > MOST_CERTIFICATES || bytes > MOST_BYTES)
    throw new Error(
      `the truststore holds ${pems.length} certificates in ${bytes} bytes and API Gateway takes at most 1,000 in 1 MB: ${remedy}`,
    )
}
