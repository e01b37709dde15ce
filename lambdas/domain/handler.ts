import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import type { Clock } from '../../core/ports.ts'
import type { Made } from '../custom-resource.ts'
import type { DomainCertificate } from './certificate.ts'

export interface DomainPorts {
  readonly clock: Clock
  /** Undefined when ACM has no such certificate in this account and region. */
  describe(arn: string): Promise<DomainCertificate | undefined>
}

/**
 * Looks at a certificate once, before the domain gets it. The resource is a new one for every other
 * certificate, so a deployment that is rolled back never asks again for the one that was in use.
 * @throws a sentence for the operator, which CloudFormation shows and ends the deployment with.
 */
export async function checkDomain(
  event: CloudFormationCustomResourceEvent,
  { clock, describe }: DomainPorts,
): Promise<Made> {
  if (event.RequestType !== 'Create') return { physicalId: event.PhysicalResourceId }
  const { domain, certificateArn: arn } = event.ResourceProperties
  const trouble = troubleOf(await describe(arn), domain, clock.now())
  if (trouble) throw new Error(`the certificate ${arn} ${trouble}`)
  return { physicalId: `${domain}-certificate` }
}

const DAY_MS = 24 * 3600_000
/** ACM renews 60 days before the end, so what has fewer left than this is not being renewed. */
const LEAST_DAYS = 30

/** What is wrong with a certificate for this domain, and what to do; undefined when nothing is. */
export function troubleOf(
  certificate: DomainCertificate | undefined,
  domain: string,
  now: number,
): string | undefined {
  if (!certificate)
    return `does not exist in this account and region: set -c certificateArn to one of ${domain} that ACM lists here`
  return (
    statusTrouble(certificate) ??
    nameTrouble(certificate, domain) ??
    typeTrouble(certificate, domain) ??
    ageTrouble(certificate, domain, now)
  )
}

function statusTrouble({ status }: DomainCertificate): string | undefined {
  if (status === 'ISSUED') return undefined
  return status === 'PENDING_VALIDATION'
    ? 'is not issued yet: make the DNS record that ACM asks for, wait until its status is ISSUED, and deploy again'
    : `is ${status} and not ISSUED: request another from ACM and deploy with its ARN`
}

function nameTrouble({ names }: DomainCertificate, domain: string): string | undefined {
  if (names.some((name) => covers(name, domain))) return undefined
  return `is for ${names.join(', ')} and not for ${domain}: set -c certificateArn to one that names ${domain}, or -c domain to a host that it names`
}

/** A wildcard stands for exactly one label. */
function covers(name: string, domain: string): boolean {
  const plain = name.toLowerCase()
  return plain.startsWith('*.')
    ? domain.slice(domain.indexOf('.')) === plain.slice(1)
    : plain === domain
}

function typeTrouble({ type }: DomainCertificate, domain: string): string | undefined {
  if (type === 'AMAZON_ISSUED') return undefined
  return `is ${type} and not issued by Amazon: a domain with mutual TLS takes such a one only with an ownership verification certificate, which the stacks do not set; request a public certificate for ${domain} from ACM`
}

function ageTrouble(
  { end, renewable, renewal }: DomainCertificate,
  domain: string,
  now: number,
): string | undefined {
  const days = Math.floor(((end ?? now) - now) / DAY_MS)
  if (days >= LEAST_DAYS) return undefined
  const ends = `ends in ${days} days (${new Date(end ?? now).toISOString().slice(0, 10)})`
  return renewable
    ? `${ends}: ACM renews 60 days before the end, so its renewal has failed (${renewal ?? 'no status'}); restore the DNS record that ACM asks for, wait until it is renewed, and deploy again`
    : `${ends} and ACM does not renew it, as nothing uses it: request a new one for ${domain} and deploy with its ARN`
}
