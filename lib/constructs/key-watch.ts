import { Duration } from 'aws-cdk-lib'
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import { type CfnRule, type EventPattern, Rule } from 'aws-cdk-lib/aws-events'
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import { physicalName } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import type { HeliographFunction } from './function.ts'
import { DeadLetterQueue } from './queues.ts'
import type { Vault } from './vault.ts'

export interface KeyWatchProps {
  readonly stage: StageProps
  readonly vault: Vault
  /** The functions that sign device certificates. */
  readonly deviceSigners: readonly HeliographFunction[]
  /** The functions that make and open device tokens. */
  readonly tokenReaders: readonly HeliographFunction[]
}

/**
 * Keeps and counts uses of the three keys as CloudTrail reports them: every signature of the
 * provider CA, and uses of the other two by anyone but the functions that need them. Requires a
 * trail that logs KMS's management events.
 */
export class KeyWatch extends Construct {
  /** The CloudTrail events: who used which key, from where. */
  readonly uses: DeadLetterQueue
  readonly providerSignatures: Metric
  readonly strangeDeviceSignatures: Metric
  readonly strangeTokenKeyUses: Metric

  constructor(scope: Construct, id: string, props: KeyWatchProps) {
    super(scope, id)
    const { stage, vault, deviceSigners, tokenReaders } = props
    const { providerAuthority, deviceAuthority, tokenWrap } = vault
    this.uses = new DeadLetterQueue(this, 'Uses', stage)
    this.providerSignatures = this.#count(stage, 'provider-ca-used', {
      description: 'Somebody signs with the provider CA: a provider certificate, or a CRL',
      eventPattern: use('Sign', providerAuthority.key, []),
    })
    this.strangeDeviceSignatures = this.#count(stage, 'device-ca-misused', {
      description: 'Someone other than the functions signs with the device CA',
      eventPattern: use('Sign', deviceAuthority.key, deviceSigners),
    })
    this.strangeTokenKeyUses = this.#count(stage, 'token-keys-misused', {
      description: 'Someone other than the functions unwraps token keys',
      eventPattern: use('Decrypt', tokenWrap.key, tokenReaders),
    })
  }

  #count(
    stage: StageProps,
    name: string,
    props: { readonly description: string; readonly eventPattern: EventPattern },
  ): Metric {
    const ruleName = physicalName(stage, name)
    const targets = [new SqsQueue(this.uses.queue)]
    const rule = new Rule(this, name, { ...props, ruleName, targets })
    const resource = rule.node.defaultChild as CfnRule
    // CloudTrail calls Sign and Decrypt read-only, which a rule that is only ENABLED may not see
    resource.state = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'
    return new Metric({
      namespace: 'AWS/Events',
      metricName: 'Invocations',
      dimensionsMap: { RuleName: ruleName },
      statistic: Stats.SUM,
      period: Duration.minutes(5),
      label: name,
    })
  }
}

/**
 * A use of a key by others than these functions. CloudTrail's `resources` holds the key's ARN, by whatever
 * name the caller called it (AWS KMS, "CloudTrail log entries").
 */
function use(eventName: string, key: IKey, expected: readonly HeliographFunction[]): EventPattern {
  const roles = expected.map(({ resource }) => resource.role?.roleArn)
  // a user or the root has no session issuer, and `anything-but` alone needs one
  const others = { arn: [{ 'anything-but': roles }, { exists: false }] }
  return {
    source: ['aws.kms'],
    detailType: ['AWS API Call via CloudTrail'],
    detail: {
      eventSource: ['kms.amazonaws.com'],
      eventName: [eventName],
      resources: { ARN: [key.keyArn] },
      ...(roles.length > 0 && { userIdentity: { sessionContext: { sessionIssuer: others } } }),
    },
  }
}
