import { CANARY_TIMEOUT_SECONDS } from '@heliograph/protocol/canary'
import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import { KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import type { Deployment } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import { HeliographFunction } from './function.ts'
import { Store, type StoreProps } from './store.ts'
import { VaultKey } from './vault-key.ts'

export interface CanaryProps extends Deployment {
  /** Where it becomes a device. */
  readonly activationUrl: string
}

/** Who the canary is: an item each for its identity and for the key of an enrollment under way. */
const canaryTable = {
  variable: variable.canaryTable,
  partitionKey: 'name',
} as const satisfies StoreProps

/**
 * A device that is sent to every minute, the whole way: through the provider domain, the queue and IoT Core. Its
 * function has no right but to what it is: it comes in where everybody comes in.
 */
export class Canary extends Construct {
  readonly flier: HeliographFunction

  constructor(scope: Construct, id: string, { activationUrl, ...deployment }: CanaryProps) {
    super(scope, id)
    const { stage } = deployment
    this.flier = new HeliographFunction(this, 'canary', deployment, {
      description: 'Sends a notification to a device of its own and measures the way',
      timeoutSeconds: CANARY_TIMEOUT_SECONDS,
      memoryMegabytes: 256,
      ...reservedOf(stage),
    })
    // a run that fails has a value less in the metric; the next one comes in a minute anyway
    this.flier.resource.configureAsyncInvoke({
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
    })
    this.flier.set(variable.providerUrl, `https://${stage.domain}`)
    this.flier.set(variable.activationUrl, activationUrl)
    this.#keepIdentity(stage)
    new Rule(this, 'Schedule', {
      description: 'Time to send to the canary',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(this.flier.resource)],
    })
  }

  /** Goes with the canary: an identity is made anew in a moment, and is of no use to anything else. */
  #keepIdentity(stage: StageProps): void {
    const disposable = { ...stage, removal: 'destroy' } as const
    const store = new Store(this, 'Identity', disposable, canaryTable)
    store.grant(this.flier, 'GetItem', 'PutItem')
    const key = new VaultKey(this, 'Seal', disposable, {
      name: 'canary',
      purpose: 'wraps the keys under which the canary keeps who it is',
      variable: variable.canaryKey,
      spec: KeySpec.SYMMETRIC_DEFAULT,
      usage: KeyUsage.ENCRYPT_DECRYPT,
      actions: ['Decrypt', 'Encrypt'],
      rotates: true,
    })
    key.grant(this.flier, 'Decrypt', 'Encrypt')
  }
}

/** One, which no other function lacks, and which keeps two runs from being one device; none where the account cannot. */
function reservedOf({ upstreamConcurrency }: StageProps): { reservedConcurrency?: number } {
  return Object.keys(upstreamConcurrency).length > 0 ? { reservedConcurrency: 1 } : {}
}
