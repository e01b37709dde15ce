import { X509Certificate } from 'node:crypto'

/** The CAs of a truststore, with the reasons for AWS's warnings about them. */
export interface Truststore {
  /** PEM bundle of the certificates that count. */
  readonly pem: string
  readonly warnings: readonly string[]
}

/** "Quotas for configuring and running a REST API": truststore size and number of certificates. */
const MAX_BYTES = 1024 * 1024
const MAX_CERTIFICATES = 1000

/**
 * Reads a truststore as API Gateway does: a bad certificate is left out with a warning, a bundle
 * without a single good one is refused.
 * @throws when nothing in it can be trusted, or it is beyond 1 MB or 1,000 certificates.
 */
export function readTruststore(bundle: string, now: Date): Truststore {
  if (Buffer.byteLength(bundle) > MAX_BYTES) {
    throw new Error('The truststore is larger than 1 MB; API Gateway would refuse it.')
  }
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length > MAX_CERTIFICATES) {
    throw new Error('The truststore has more than 1,000 certificates; API Gateway would refuse it.')
  }
  const checked = blocks.map((pem, index) => ({ pem, fault: faultOf(pem, index + 1, now) }))
  const good = checked.filter(({ fault }) => fault === undefined).map(({ pem }) => pem)
  const warnings = checked.flatMap(({ fault }) => fault ?? [])
  if (good.length === 0) {
    const why = warnings[0] ?? 'It holds no PEM certificate.'
    throw new Error(`The truststore has no certificate that can be trusted. ${why}`)
  }
  return { pem: `${good.join('\n')}\n`, warnings }
}

function faultOf(pem: string, number: number, now: Date): string | undefined {
  const certificate = parse(pem)
  if (certificate === undefined) return `Certificate ${number} cannot be read.`
  const name = `Certificate ${number} (${certificate.subject.split('\n').join(',')})`
  if (!certificate.ca) return `${name} is not a CA certificate.`
  if (Date.parse(certificate.validTo) <= now.getTime()) return `${name} has expired.`
  return undefined
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
