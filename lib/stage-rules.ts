import { canaryLimits } from '@heliograph/protocol/canary'
import { patterns } from '@heliograph/protocol/identifiers'
import {
  MAX_COUNTED_TOPICS,
  MAX_PER_COLLAPSE_ID,
  MAX_RECEIPT_DAYS,
  MAX_TRUST_SECONDS,
} from '@heliograph/protocol/limits'
import { eventLevels, receiptLevels } from '@heliograph/protocol/outcome'
import { isPendingRule } from '@heliograph/protocol/pending-rule'
import { Token } from 'aws-cdk-lib'
import type { HostedZoneProps, StageProps } from './stage.ts'

export function isStageName(text: string): boolean {
  return /^[a-z][a-z0-9]{0,15}$/.test(text)
}

/** A full host name in lower case. */
export function isProviderDomain(text: string): boolean {
  return text.length <= 253 && /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(text)
}

/** S3, "How S3 Versioning works": URL-ready, opaque, at most 1,024 bytes. */
function isObjectVersion(text: string): boolean {
  return /^[\w.~-]{1,1024}$/.test(text)
}

/** Where an ACM certificate is; undefined for anything that is not the ARN of one. */
export function certificatePlace(
  arn: string,
): { readonly region: string; readonly account: string } | undefined {
  const [, region, account] =
    /^arn:aws[a-z-]*:acm:([a-z0-9-]+):(\d{12}):certificate\/[A-Za-z0-9-]+$/.exec(arn) ?? []
  return region && account ? { region, account } : undefined
}

/** Whether a zone can hold a record for a domain. */
export function zoneHolds(zone: Pick<HostedZoneProps, 'name'>, domain: string): boolean {
  return domain === zone.name || domain.endsWith(`.${zone.name}`)
}

/**
 * Ends synthesis with a sentence for the author of the props. What is known only at deployment, as the
 * ARN of a certificate that another stack makes, is not looked at.
 *
 * @throws {Error} when a setting does not fit its meaning or another setting.
 */
export function checkStage(stage: StageProps): void {
  const fault = faultOf(stage)
  if (fault) throw new Error(`Heliograph: ${fault}`)
}

/** One more than a notification is kept at most. */
const LEAST_GRACE_DAYS = 31

function faultOf(stage: StageProps): string | undefined {
  if (!isStageName(stage.name))
    return `stageName "${stage.name}" is not a stage name: use 1 to 16 lower-case letters and digits, a letter first`
  if (stage.trustCacheSeconds > MAX_TRUST_SECONDS)
    return `trustCacheSeconds ${stage.trustCacheSeconds} is longer than a revocation may take: use at most ${MAX_TRUST_SECONDS}`
  if (stage.tokenKeyGraceDays < LEAST_GRACE_DAYS)
    return `tokenKeyGraceDays ${stage.tokenKeyGraceDays} is too short: a notification waits up to 30 days under the key that sealed it, so use at least ${LEAST_GRACE_DAYS}`
  if (stage.truststoreVersion !== undefined && !isObjectVersion(stage.truststoreVersion))
    return `truststoreVersion "${stage.truststoreVersion}" is not the version id of an S3 object: use the VersionId that aws s3api list-object-versions shows`
  const records =
    receiptFault(stage) ?? countedFault(stage) ?? pendingFault(stage) ?? canaryFault(stage)
  if (records) return records
  // a stage for emulators has neither a domain nor a certificate
  if (!stage.checkCertificate) return undefined
  return (
    domainFault('domain', stage.domain, stage) ??
    certificateFault('certificateArn', stage.certificateArn, stage) ??
    tokenDomainFault(stage)
  )
}

/** Lambda lets a function have 4 kB of variables; names of tables and queues take less than half. */
const MOST_SETTINGS = 2_000

function countedFault({ countedTopics, receipts, events }: StageProps): string | undefined {
  const bad = countedTopics.find((topic) => !patterns.topic.test(topic))
  if (bad !== undefined) return `countedTopics names "${bad}", which is not a bundle id`
  if (countedTopics.length > MAX_COUNTED_TOPICS)
    return `countedTopics names ${countedTopics.length} topics: name at most ${MAX_COUNTED_TOPICS}, the others are counted together`
  if (JSON.stringify([receipts, events, countedTopics]).length > MOST_SETTINGS)
    return "countedTopics, receipts and events together name more topics than fit into a function's variables: name fewer"
  return undefined
}

function pendingFault({ pending, countedTopics }: StageProps): string | undefined {
  for (const [topic, rule] of Object.entries(pending)) {
    if (!patterns.topic.test(topic)) return `pending names "${topic}", which is not a bundle id`
    if (!isPendingRule(rule))
      return `pending of ${topic} is ${JSON.stringify(rule)}: use "newest", or {"perCollapseId": n} with n from 1 to ${MAX_PER_COLLAPSE_ID}`
  }
  if (JSON.stringify([pending, countedTopics]).length > MOST_SETTINGS)
    return `pending names ${Object.keys(pending).length} topics, more than fit into a function's variables: name fewer`
  return undefined
}

function receiptFault(stage: StageProps): string | undefined {
  const { receipts, events, receiptDays, receiptDelaySeconds } = stage
  const levels = levelFault('receipts', receipts, receiptLevels)
  if (levels) return levels
  const heard = levelFault('events', events, eventLevels)
  if (heard) return heard
  const count = Object.keys(receipts.topics).length + Object.keys(events.topics).length
  if (JSON.stringify([receipts, events]).length > MOST_SETTINGS)
    return `receipts and events name ${count} topics, more than fit into a function's variables: set the most common level as the default, and name only topics that differ`
  if (!isBetween(receiptDays, 1, MAX_RECEIPT_DAYS))
    return `receiptDays ${receiptDays} is not between 1 and ${MAX_RECEIPT_DAYS}`
  if (!isBetween(receiptDelaySeconds, 1, 300))
    return `receiptDelaySeconds ${receiptDelaySeconds} is not between 1 and 300`
  return undefined
}

/** The canary itself waits no longer for a notification than `canaryLimits.hearMs`. */
function canaryFault({ canaryLateSeconds }: StageProps): string | undefined {
  const most = canaryLimits.hearMs / 1000
  if (isBetween(canaryLateSeconds, 1, most)) return undefined
  return `canaryLateSeconds ${canaryLateSeconds} is not between 1 and ${most}`
}

/** A level for each topic, and for all others. */
interface Levels {
  readonly default: string
  readonly topics: Readonly<Record<string, string>>
}

function levelFault(setting: string, levels: Levels, known: readonly string[]): string | undefined {
  const bad = Object.keys(levels.topics).find((topic) => !patterns.topic.test(topic))
  if (bad !== undefined) return `${setting} names "${bad}", which is not a bundle id`
  const all = [levels.default, ...Object.values(levels.topics)]
  const unknown = all.find((level) => !known.includes(level))
  if (unknown === undefined) return undefined
  return `${setting} has the level "${unknown}": use ${known.join(', ')}`
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

/** Neither is of use without the other, and one name cannot both ask for certificates and not. */
function tokenDomainFault(stage: StageProps): string | undefined {
  const { domain, tokenDomain, tokenCertificateArn } = stage
  if (tokenDomain === undefined && tokenCertificateArn === undefined) return undefined
  if (tokenDomain === undefined || tokenCertificateArn === undefined)
    return 'a token domain is half given: give both tokenDomain and tokenCertificateArn, or neither'
  if (tokenDomain === domain)
    return `tokenDomain is the provider domain ${domain}, which asks for client certificates: give another host name`
  return (
    domainFault('tokenDomain', tokenDomain, stage) ??
    certificateFault('tokenCertificateArn', tokenCertificateArn, stage)
  )
}

function domainFault(
  setting: string,
  domain: string,
  { hostedZone }: StageProps,
): string | undefined {
  if (Token.isUnresolved(domain)) return undefined
  if (!isProviderDomain(domain ?? ''))
    return `${setting} "${domain}" is not a domain that providers can connect to: use a full host name in lower case, for example push.example.com`
  if (hostedZone && !Token.isUnresolved(hostedZone.name) && !zoneHolds(hostedZone, domain))
    return `hostedZone ${hostedZone.name} cannot hold a record for ${domain}: give the zone of that domain, or none and create the record yourself`
  return undefined
}

function certificateFault(setting: string, arn: string, { env }: StageProps): string | undefined {
  if (Token.isUnresolved(arn)) return undefined
  const place = certificatePlace(arn ?? '')
  if (!place) return `${setting} "${arn}" is not the ARN of an ACM certificate`
  if (env.region && place.region !== env.region)
    return `the certificate is in ${place.region} but the stacks go to ${env.region}: a domain needs an ACM certificate in its own region`
  if (env.account && place.account !== env.account)
    return `the certificate is in account ${place.account} but the stacks go to ${env.account}: use a certificate of ${env.account}`
  return undefined
}
