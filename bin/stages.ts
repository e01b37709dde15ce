import { MAX_PER_COLLAPSE_ID } from '@heliograph/protocol/limits'
import { eventLevels, receiptLevels } from '@heliograph/protocol/outcome'
import { isPerCollapseId, type PendingRule } from '@heliograph/protocol/pending-rule'
import { type HostedZoneProps, type StageProps, stageDefaults } from '../lib/stage.ts'
import { certificatePlace, isProviderDomain, isStageName, zoneHolds } from '../lib/stage-rules.ts'
import { Refusal } from './refusal.ts'

/** Reads one value of the CDK context (`-c name=value`). */
export type Context = (name: string) => unknown

/** Account and region that the CDK command works with, as far as they are known. */
export interface Target {
  readonly account?: string
  readonly region?: string
}

/**
 * The stage of the embedded and the LocalStack-compatible target. Its account does not exist at
 * AWS, so the CDK command refuses to deploy this stage, whose certificate does not exist either, to
 * AWS.
 */
const local: StageProps = {
  ...stageDefaults,
  name: 'local',
  domain: 'localhost',
  certificateArn:
    'arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-4000-8000-000000000000',
  tokenDomain: 'api.localhost',
  tokenCertificateArn:
    'arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-4000-8000-000000000000',
  checkCertificate: false,
  env: { account: '000000000000', region: 'us-east-1' },
  removal: 'destroy',
  terminationProtection: false,
  logRetentionDays: 1,
  deliverConcurrency: 10,
  slotConcurrency: 2,
  // More would only take turns on a few processors, and keep notifications waiting when devices flood.
  upstreamConcurrency: { register: 2, connect: 1, unregister: 1, renew: 1 },
  // Tests activate hundreds of devices at once.
  activationThrottle: { ratePerSecond: 1000, burst: 2000 },
  // One provider measures what all of the machine can do, in two or three environments.
  providerThrottle: { ratePerSecond: 10_000, burst: 5000 },
  tokenThrottle: { ratePerSecond: 10_000, burst: 5000 },
  multicastThrottle: { ratePerSecond: 10_000, burst: 5000 },
  broadcastThrottle: { ratePerSecond: 10_000, burst: 5000 },
  channelRatePerSecond: 0,
  providerRatePerSecond: 0,
  // Conformance, faults and benchmarks flood one device on purpose.
  tokenRatePerSecond: 0,
  pending: {},
  receipts: { default: 'all', topics: {} },
  events: { default: 'all', topics: {} },
  receiptDelaySeconds: 1,
  // those of the demo app
  countedTopics: ['com.example.app', 'com.example.app.voip'],
  canary: true,
  registryCallsPerSecond: 1000,
  activationsPerSecond: 1000,
}

/**
 * The stage that the context asks for: `stage` (default `local`) and, for any other, `domain` and
 * `certificateArn`, and if wanted `tokenDomain` with `tokenCertificateArn`, `removal`, `hostedZoneId` with `hostedZoneName`, `alarmEmail`,
 * `tracing`, `takesTokenKeys`, `systemLogs`, `reserveConcurrency`, `truststoreVersion`, and for receipts `receipts` (of all topics),
 * `receiptTopics` (`com.example.a=all,com.example.b=off`) and `receiptDays`, for events `events` and `eventTopics`, and for metrics
 * `countedTopics` (`com.example.a,com.example.b`), and `canary` with `canaryLateSeconds`, and for what waits for a device
 * `pending` (`com.example.a=20,com.example.b=newest`).
 *
 * @throws {Refusal} when something is missing or malformed.
 */
export function stageOf(context: Context, target: Target): StageProps {
  const name = text(context, 'stage') ?? local.name
  if (!isStageName(name))
    throw new Refusal(
      `stage "${name}" is not a stage name: use 1 to 16 lower-case letters and digits, a letter first`,
    )
  return name === local.name ? localStage(context) : deployedStage(name, context, target)
}

/** Benchmarks set other receipts, and have events and counted topics only if they ask for them; emulators have no canary. */
function localStage(context: Context): StageProps {
  const isAsked = text(context, 'receipts') !== undefined
  const own = {
    ...local,
    ...canaryOf(local.name, context),
    ...pendingOf(local.name, context),
  }
  if (!isAsked) return own
  return {
    ...own,
    ...receiptsOf(local.name, context),
    ...eventsOf(local.name, context),
    ...countedOf(context),
  }
}

function deployedStage(name: string, context: Context, target: Target): StageProps {
  const domain = domainOf(name, context)
  const certificateArn = certificateOf(name, context, target)
  const removal = removalPolicy(name, context)
  const tokens = tokenDomainOf(name, domain, { context, target })
  const domains = [domain, ...(tokens ? [tokens.tokenDomain] : [])]
  const hostedZone = hostedZoneOf(name, domains, context)
  const alarmEmail = text(context, 'alarmEmail')
  const truststoreVersion = text(context, 'truststoreVersion')
  return {
    ...stageDefaults,
    name,
    domain,
    certificateArn,
    ...tokens,
    env: target,
    removal,
    terminationProtection: removal === 'retain',
    tracing: text(context, 'tracing') === 'true',
    takesTokenKeys: text(context, 'takesTokenKeys') === 'true',
    ...systemLogsOf(name, context),
    ...receiptsOf(name, context),
    ...eventsOf(name, context),
    ...countedOf(context),
    ...pendingOf(name, context),
    ...canaryOf(name, context),
    ...reservedOf(name, context),
    ...(hostedZone && { hostedZone }),
    ...(alarmEmail && { alarmEmail }),
    ...(truststoreVersion && { truststoreVersion }),
  }
}

function systemLogsOf(stage: string, context: Context): Partial<Pick<StageProps, 'systemLogs'>> {
  const systemLogs = text(context, 'systemLogs')
  if (systemLogs === undefined) return {}
  if (systemLogs !== 'failures' && systemLogs !== 'all')
    throw new Refusal(
      `stage "${stage}" cannot have systemLogs "${systemLogs}": set -c systemLogs=failures, or all for Lambda's own line about every invocation`,
    )
  return { systemLogs }
}

function receiptsOf(
  stage: string,
  context: Context,
): Partial<Pick<StageProps, 'receipts' | 'receiptDays'>> {
  const days = text(context, 'receiptDays')
  return {
    receipts: levelsOf(
      stage,
      context,
      { setting: 'receipts', each: 'receiptTopics' },
      receiptLevels,
    ),
    ...(days !== undefined && { receiptDays: Number(days) }),
  }
}

function countedOf(context: Context): Pick<StageProps, 'countedTopics'> {
  const topics = (text(context, 'countedTopics') ?? '').split(',').filter((topic) => topic !== '')
  return { countedTopics: [...new Set(topics)] }
}

function canaryOf(
  stage: string,
  context: Context,
): Partial<Pick<StageProps, 'canary' | 'canaryLateSeconds'>> {
  const canary = text(context, 'canary')
  const late = text(context, 'canaryLateSeconds')
  if (canary !== undefined && canary !== 'true' && canary !== 'false')
    throw new Refusal(
      `stage "${stage}" cannot have canary "${canary}": set -c canary=true, or false for none`,
    )
  return {
    ...(canary !== undefined && { canary: canary === 'true' }),
    ...(late !== undefined && { canaryLateSeconds: Number(late) }),
  }
}

/** A number is that of the notifications that may wait, one of each collapse id. */
function pendingOf(stage: string, context: Context): Partial<Pick<StageProps, 'pending'>> {
  const pairs = (text(context, 'pending') ?? '').split(',').filter((pair) => pair !== '')
  if (pairs.length === 0) return {}
  const rules = pairs.map((pair): [string, PendingRule] => {
    const [topic = '', rule = ''] = pair.split('=')
    if (rule === 'newest') return [topic, rule]
    const perCollapseId = /^\d+$/.test(rule) ? Number(rule) : undefined
    if (isPerCollapseId(perCollapseId)) return [topic, { perCollapseId }]
    throw new Refusal(
      `stage "${stage}" cannot have pending "${pair}": set -c pending=com.example.app=20 for the newest of each collapse id, at most 20 (1 to ${MAX_PER_COLLAPSE_ID}) of the topic, or com.example.app=newest`,
    )
  })
  return { pending: Object.fromEntries(rules) }
}

function eventsOf(stage: string, context: Context): Pick<StageProps, 'events'> {
  return {
    events: levelsOf(stage, context, { setting: 'events', each: 'eventTopics' }, eventLevels),
  }
}

/** The level of all topics, and of those that differ. */
function levelsOf<Level extends string>(
  stage: string,
  context: Context,
  { setting, each }: { readonly setting: string; readonly each: string },
  known: readonly Level[],
): { readonly default: Level; readonly topics: Readonly<Record<string, Level>> } {
  const levelOf = (level: string): Level => {
    const found = known.find((one) => one === level)
    if (found) return found
    throw new Refusal(
      `stage "${stage}" cannot have ${setting} "${level}": set -c ${setting}=${known.join('|')}, and topics that differ as -c ${each}=com.example.app=all,com.example.other=off`,
    )
  }
  const pairs = (text(context, each) ?? '').split(',').filter((pair) => pair !== '')
  const topics = pairs.map((pair) => {
    const [topic = '', level = ''] = pair.split('=')
    return [topic, levelOf(level)] as const
  })
  return {
    default: levelOf(text(context, setting) ?? 'off'),
    topics: Object.fromEntries(topics),
  }
}

/**
 * A new account may run ten functions at the same time, none of which Lambda allows to be reserved.
 */
function reservedOf(
  stage: string,
  context: Context,
): Partial<Pick<StageProps, 'upstreamConcurrency'>> {
  const reserve = text(context, 'reserveConcurrency') ?? 'true'
  if (reserve !== 'true' && reserve !== 'false')
    throw new Refusal(
      `stage "${stage}" cannot have reserveConcurrency "${reserve}": set -c reserveConcurrency=true, or false if the account cannot run 145 functions at the same time (146 with a canary)`,
    )
  return reserve === 'true' ? {} : { upstreamConcurrency: {} }
}

function domainOf(stage: string, context: Context): string {
  const domain = text(context, 'domain')
  if (!domain)
    throw new Refusal(
      `stage "${stage}" has no provider domain: run cdk with -c domain=push.example.com -c certificateArn=arn:aws:acm:… (without a domain there is no mutual TLS, so nothing is deployed)`,
    )
  return checkDomain('domain', domain)
}

function checkDomain(setting: string, domain: string): string {
  if (isProviderDomain(domain)) return domain
  throw new Refusal(
    `"${domain}" is not a domain that providers can connect to: set -c ${setting} to a full host name in lower case, for example push.example.com`,
  )
}

/** The second domain, which asks for no client certificate; most stages do without. */
function tokenDomainOf(
  stage: string,
  domain: string,
  { context, target }: { readonly context: Context; readonly target: Target },
): Required<Pick<StageProps, 'tokenDomain' | 'tokenCertificateArn'>> | undefined {
  const tokenDomain = text(context, 'tokenDomain')
  const arn = text(context, 'tokenCertificateArn')
  if (!tokenDomain && !arn) return undefined
  if (!tokenDomain || !arn)
    throw new Refusal(
      `stage "${stage}" has half a token domain: set both -c tokenDomain=api.push.example.com and -c tokenCertificateArn=arn:aws:acm:…, or neither`,
    )
  if (tokenDomain === domain)
    throw new Refusal(
      `the token domain is the provider domain ${domain}, which asks for client certificates: set -c tokenDomain to another host name`,
    )
  const tokenCertificateArn = checkCertificate('tokenCertificateArn', arn, target)
  return { tokenDomain: checkDomain('tokenDomain', tokenDomain), tokenCertificateArn }
}

function certificateOf(stage: string, context: Context, target: Target): string {
  const arn = text(context, 'certificateArn')
  if (!arn)
    throw new Refusal(
      `stage "${stage}" has a provider domain but no certificate for it: run cdk with -c certificateArn=arn:aws:acm:… of an ACM certificate in the region of the stacks`,
    )
  return checkCertificate('certificateArn', arn, target)
}

function checkCertificate(setting: string, arn: string, target: Target): string {
  const place = certificatePlace(arn)
  if (!place)
    throw new Refusal(
      `"${arn}" is not the ARN of an ACM certificate: set -c ${setting}=arn:aws:acm:<region>:<account>:certificate/<id>`,
    )
  const { region, account } = place
  if (target.region && region !== target.region)
    throw new Refusal(
      `the certificate is in ${region} but the stacks go to ${target.region}: a domain needs an ACM certificate in its own region, so request one in ${target.region} or set AWS_REGION=${region}`,
    )
  if (target.account && account !== target.account)
    throw new Refusal(
      `the certificate is in account ${account} but the stacks go to ${target.account}: set -c ${setting} to a certificate of ${target.account}, or use the credentials of ${account}`,
    )
  return arn
}

function removalPolicy(stage: string, context: Context): StageProps['removal'] {
  const removal = text(context, 'removal') ?? 'retain'
  if (removal !== 'retain' && removal !== 'destroy')
    throw new Refusal(
      `stage "${stage}" cannot have removal "${removal}": set -c removal=retain, or -c removal=destroy for a stage whose data may go with its stacks`,
    )
  return removal
}

function hostedZoneOf(
  stage: string,
  domains: readonly string[],
  context: Context,
): HostedZoneProps | undefined {
  const id = text(context, 'hostedZoneId')
  const name = text(context, 'hostedZoneName')
  if (!id && !name) return undefined
  if (!id || !name)
    throw new Refusal(
      `stage "${stage}" has half a hosted zone: set both -c hostedZoneId=Z… and -c hostedZoneName=example.com, or neither`,
    )
  const stranger = domains.find((domain) => !zoneHolds({ name }, domain))
  if (stranger)
    throw new Refusal(
      `the hosted zone ${name} cannot hold a record for ${stranger}: set -c hostedZoneName to the zone of that domain, or omit both hostedZone settings and create the record yourself`,
    )
  return { id, name }
}

function text(context: Context, name: string): string | undefined {
  const value = context(name)
  return value === undefined || value === '' ? undefined : String(value)
}
