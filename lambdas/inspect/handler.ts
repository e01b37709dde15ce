import { X509Certificate } from 'node:crypto'
import type { Log } from '@heliograph/aws/log'
import type { Authorities, Clock } from '@heliograph/core/ports'

export interface InspectPorts {
  readonly clock: Clock
  readonly authorities: Authorities
  /** PEM. */
  trustedCertificates(): Promise<readonly string[]>
}

const DAY_MS = 24 * 3600_000

/**
 * Logs how long each certificate of the trust chain is still valid; a metric filter reads `certificate`
 * and `daysLeft`. In a truststore with several, the one that ends first counts.
 * @throws when one is missing, which stops providers or devices at once.
 */
export function inspectHandler(ports: InspectPorts, log: Log) {
  return async (): Promise<void> => {
    const inspected = [
      ['provider-authority', await authority('provider', ports)],
      ['device-authority', await authority('device', ports)],
      ['truststore', await ports.trustedCertificates()],
    ] as const
    for (const [certificate, pems] of inspected)
      log.info('certificate inspected', {
        certificate,
        daysLeft: daysLeft(certificate, pems, ports),
      })
  }
}

async function authority(
  name: 'provider' | 'device',
  { authorities }: InspectPorts,
): Promise<string[]> {
  const found = await authorities.find(name)
  return found ? [found.certificate] : []
}

function daysLeft(name: string, pems: readonly string[], { clock }: InspectPorts): number {
  if (pems.length === 0) throw new Error(`there is no certificate of the ${name}`)
  const ends = pems.map((pem) => Date.parse(new X509Certificate(pem).validTo))
  return Math.floor((Math.min(...ends) - clock.now()) / DAY_MS)
}
