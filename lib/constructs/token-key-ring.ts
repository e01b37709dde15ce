import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import type { Deployment } from '../deployment.ts'
import { HeliographFunction } from './function.ts'
import { madeBy } from './made-by.ts'
import type { DeadLetterQueue } from './queues.ts'
import type { Stores } from './stores.ts'
import type { Vault } from './vault.ts'

export interface TokenKeyRingProps extends Deployment {
  readonly stores: Stores
  readonly vault: Vault
  readonly deadLetters: DeadLetterQueue
}

/** Adds the first token key at deployment, and a new primary one on schedule. */
export class TokenKeyRing extends Construct {
  readonly rotator: HeliographFunction
  readonly #stores: Stores
  readonly #vault: Vault
  readonly #stage: Deployment['stage']

  constructor(scope: Construct, id: string, props: TokenKeyRingProps) {
    super(scope, id)
    const { stage, stores, vault, deadLetters } = props
    this.#stores = stores
    this.#vault = vault
    this.#stage = stage
    this.rotator = new HeliographFunction(this, 'rotate', props, {
      description: 'Adds a new primary token key and retires old ones after the grace time',
      timeoutSeconds: 60,
      memoryMegabytes: 256,
      deadLetters,
    })
    this.rotator.set(variable.tokenKeyGraceDays, String(stage.tokenKeyGraceDays))
    stores.tokenKeys.grant(this.rotator, 'PutItem', 'Scan', 'UpdateItem')
    vault.tokenWrap.grant(this.rotator, 'GenerateDataKeyWithoutPlaintext')
    madeBy(this.rotator, this, 'TokenKeyRing', { stage: stage.name })
    new Rule(this, 'Schedule', {
      description: 'Time for a new token key',
      schedule: Schedule.rate(Duration.days(stage.tokenKeyRotationDays)),
      targets: [new LambdaTarget(this.rotator.resource)],
    })
  }

  /** Lets a function open and make tokens: the stored keys, and KMS to unwrap them once. */
  grantRead(grantee: HeliographFunction): void {
    this.#stores.tokenKeys.grant(grantee, 'Scan')
    this.#vault.tokenWrap.grant(grantee, 'Decrypt')
  }

  /** Lets a function tell notifications that accept has sealed from forged ones. */
  grantJudge(grantee: HeliographFunction): void {
    this.grantRead(grantee)
    grantee.set(variable.unsealedUntil, String(this.#stage.unsealedUntil ?? 0))
  }
}
