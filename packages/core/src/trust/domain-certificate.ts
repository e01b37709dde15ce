/** A server certificate as ACM knows it. */
export interface DomainCertificate {
  /** `ISSUED`, `PENDING_VALIDATION`, `EXPIRED` … */
  readonly status: string
  /** `AMAZON_ISSUED`, `IMPORTED` or `PRIVATE`. */
  readonly type: string
  readonly names: readonly string[]
  /** Milliseconds since the epoch; undefined before it is issued. */
  readonly end: number | undefined
  /** False also while no AWS service uses it. */
  readonly renewable: boolean
  /** How far a renewal has come, and why no further. */
  readonly renewal: string | undefined
}

/** A domain, and what the CDK context calls it and its certificate. */
export interface Subject {
  readonly domain: string
  readonly settings: {
    readonly domain: string
    readonly certificate: string
    readonly mutualTls: boolean
  }
}

export const certificateSettings = {
  domain: 'domain',
  certificate: 'certificateArn',
  mutualTls: true,
} as const
export const tokenSettings = {
  domain: 'tokenDomain',
  certificate: 'tokenCertificateArn',
  mutualTls: false,
} as const

const DAY_MS = 24 * 3600_000
/**
 * ACM renews 60 days before the end, so a certificate with fewer days left than this is not being
 * renewed.
 */
const LEAST_DAYS = 30

/** What is wrong with a certificate for this domain, and what to do; undefined when nothing is. */
export function troubleOf(
  certificate: DomainCertificate | undefined,
  subject: Subject,
  now: number,
): string | undefined {
  const { domain, settings } = subject
  if (!certificate)
    return `does not exist in this account and region: set -c ${settings.certificate} to one of ${domain} that ACM lists here`
  return (
    statusTrouble(certificate) ??
    nameTrouble(certificate, subject) ??
    (settings.mutualTls ? typeTrouble(certificate, domain) : undefined) ??
    ageTrouble(certificate, domain, now)
  )
}

function statusTrouble({ status }: DomainCertificate): string | undefined {
  if (status === 'ISSUED') return undefined
  return status === 'PENDING_VALIDATION'
    ? 'is not issued yet: create the DNS record that ACM asks for, wait until its status is ISSUED, and deploy again'
    : `is ${status} and not ISSUED: request another from ACM and deploy with its ARN`
}

function nameTrouble(
  { names }: DomainCertificate,
  { domain, settings }: Subject,
): string | undefined {
  if (names.some((name) => covers(name, domain))) return undefined
  return `is for ${listed(names)} and not for ${domain}: set -c ${settings.certificate} to one that names ${domain}, or -c ${settings.domain} to a host that it names`
}

/** A certificate has up to a hundred names, and CloudFormation shows a few lines. */
function listed(names: readonly string[]): string {
  const [shown, more] = [names.slice(0, 5).join(', '), names.length - 5]
  return more > 0 ? `${shown} and ${more} more` : shown
}

/** A wildcard matches exactly one label. */
function covers(name: string, domain: string): boolean {
  const plain = name.toLowerCase()
  return plain.startsWith('*.')
    ? domain.slice(domain.indexOf('.')) === plain.slice(1)
    : plain === domain
}

function typeTrouble({ type }: DomainCertificate, domain: string): string | undefined {
  if (type === 'AMAZON_ISSUED') return undefined
  return `is ${type} and not issued by Amazon: a domain with mutual TLS accepts such a certificate only with an ownership verification certificate, which the stacks do not set; request a public certificate for ${domain} from ACM`
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
    : `${ends} and ACM does not renew it, because nothing uses it: request a new one for ${domain} and deploy with its ARN`
}
