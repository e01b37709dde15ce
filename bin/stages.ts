import type { HostedZoneProps, StageProps } from '../lib/stage.ts'
import { Refusal } from './refusal.ts'

/** Reads one value of the CDK context (`-c name=value`). */
export type Context = (name: string) => unknown

/** Account and region that the CDK command works with, as far as they are known. */
export interface Target {
  readonly account?: string
  readonly region?: string
}

/** What all stages have in common. */
const common = {
  logRetentionDays: 30,
  tracing: false,
  // IoT Core registers and activates ten certificates a second; renewals need some of that.
  activationThrottle: { ratePerSecond: 8, burst: 16 },
  deliverConcurrency: 100,
  defaultLifetimeSeconds: 30 * 24 * 60 * 60,
  trustCacheSeconds: 30,
  registrationCacheSeconds: 5,
  tokenRatePerSecond: 0,
  deviceCertificateDays: 825,
  tokenKeyRotationDays: 90,
  tokenKeyGraceDays: 180,
} as const satisfies Partial<StageProps>

/**
 * The stage of the embedded and the LocalStack-compatible target. Their account does not exist at
 * AWS, so that the CDK command refuses to deploy this stage, whose certificate is none, there.
 */
const local: StageProps = {
  ...common,
  name: 'local',
  domain: 'localhost',
  certificateArn:
    'arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-4000-8000-000000000000',
  checkCertificate: false,
  env: { account: '000000000000', region: 'us-east-1' },
  removal: 'destroy',
  terminationProtection: false,
  logRetentionDays: 1,
  deliverConcurrency: 10,
  // Tests activate hundreds of devices at once.
  activationThrottle: { ratePerSecond: 1000, burst: 2000 },
}

/**
 * The stage that the context asks for: `stage` (default `local`) and, for any other, `domain` and
 * `certificateArn`, and if wanted `removal`, `hostedZoneId` with `hostedZoneName`, `alarmEmail`
 * and `tracing`.
 *
 * @throws {Refusal} when something is missing or malformed.
 */
export function stageOf(context: Context, target: Target): StageProps {
  const name = text(context, 'stage') ?? local.name
  if (!/^[a-z][a-z0-9]{0,15}$/.test(name))
    throw new Refusal(
      `stage "${name}" is not a stage name: use 1 to 16 lower-case letters and digits, a letter first`,
    )
  return name === local.name ? local : deployedStage(name, context, target)
}

function deployedStage(name: string, context: Context, target: Target): StageProps {
  const domain = domainOf(name, context)
  const certificateArn = certificateOf(name, context, target)
  const removal = removalPolicy(name, context)
  const hostedZone = hostedZoneOf(name, domain, context)
  const alarmEmail = text(context, 'alarmEmail')
  return {
    ...common,
    name,
    domain,
    certificateArn,
    checkCertificate: true,
    env: target,
    removal,
    terminationProtection: removal === 'retain',
    tracing: text(context, 'tracing') === 'true',
    ...(hostedZone && { hostedZone }),
    ...(alarmEmail && { alarmEmail }),
  }
}

function domainOf(stage: string, context: Context): string {
  const domain = text(context, 'domain')
  if (!domain)
    throw new Refusal(
      `stage "${stage}" has no provider domain: run cdk with -c domain=push.example.com -c certificateArn=arn:aws:acm:… (without a domain there is no mutual TLS, so nothing is deployed)`,
    )
  if (domain.length > 253 || !/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(domain))
    throw new Refusal(
      `"${domain}" is not a domain that providers can connect to: set -c domain to a full host name in lower case, for example push.example.com`,
    )
  return domain
}

function certificateOf(stage: string, context: Context, target: Target): string {
  const arn = text(context, 'certificateArn')
  if (!arn)
    throw new Refusal(
      `stage "${stage}" has a provider domain but no certificate for it: run cdk with -c certificateArn=arn:aws:acm:… of an ACM certificate in the region of the stacks`,
    )
  const [, region, account] =
    /^arn:aws[a-z-]*:acm:([a-z0-9-]+):(\d{12}):certificate\/[A-Za-z0-9-]+$/.exec(arn) ?? []
  if (!region)
    throw new Refusal(
      `"${arn}" is not the ARN of an ACM certificate: set -c certificateArn=arn:aws:acm:<region>:<account>:certificate/<id>`,
    )
  if (target.region && region !== target.region)
    throw new Refusal(
      `the certificate is in ${region} but the stacks go to ${target.region}: an mTLS domain needs an ACM certificate in its own region, so request one in ${target.region} or set AWS_REGION=${region}`,
    )
  if (target.account && account !== target.account)
    throw new Refusal(
      `the certificate is in account ${account} but the stacks go to ${target.account}: set -c certificateArn to a certificate of ${target.account}, or use the credentials of ${account}`,
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
  domain: string,
  context: Context,
): HostedZoneProps | undefined {
  const id = text(context, 'hostedZoneId')
  const name = text(context, 'hostedZoneName')
  if (!id && !name) return undefined
  if (!id || !name)
    throw new Refusal(
      `stage "${stage}" has half a hosted zone: set both -c hostedZoneId=Z… and -c hostedZoneName=example.com, or neither`,
    )
  if (domain !== name && !domain.endsWith(`.${name}`))
    throw new Refusal(
      `the hosted zone ${name} cannot hold a record for ${domain}: set -c hostedZoneName to the zone of that domain, or leave both hostedZone settings out and make the record yourself`,
    )
  return { id, name }
}

function text(context: Context, name: string): string | undefined {
  const value = context(name)
  return value === undefined || value === '' ? undefined : String(value)
}
