import { Duration } from 'aws-cdk-lib'
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Key, type KeySpec, type KeyUsage } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import type { Variable } from '../../lambdas/settings.ts'
import { physicalName, removalOnceDeployed } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import type { HeliographFunction } from './function.ts'

export type KeyAction =
  | 'Decrypt'
  | 'Encrypt'
  | 'GenerateDataKeyWithoutPlaintext'
  | 'GetPublicKey'
  | 'Sign'
  | 'Verify'

export interface VaultKeyProps {
  /** Part of the alias and of the description. */
  readonly name: string
  readonly purpose: string
  /** The variable that tells a function this key's ARN. */
  readonly variable: Variable
  readonly spec: KeySpec
  readonly usage: KeyUsage
  /** The use of the key; nobody in the account can be permitted any other use of it. */
  readonly actions: readonly KeyAction[]
  /** KMS makes new material every year and keeps the old for decryption. */
  readonly rotates: boolean
}

/** Looking after a key: describe, disable, alias, delete. No cryptographic operation. */
const administration = [
  'CancelKeyDeletion',
  'CreateAlias',
  'DeleteAlias',
  'DescribeKey',
  'DisableKey',
  'DisableKeyRotation',
  'EnableKey',
  'EnableKeyRotation',
  'GetKeyPolicy',
  'GetKeyRotationStatus',
  'ListKeyPolicies',
  'ListResourceTags',
  'PutKeyPolicy',
  'ScheduleKeyDeletion',
  'TagResource',
  'UntagResource',
  'UpdateAlias',
  'UpdateKeyDescription',
] as const

/** A KMS key. Its material never leaves KMS; only grants to functions say who may use it. */
export class VaultKey extends Construct {
  readonly key: Key
  readonly #variable: Variable

  constructor(scope: Construct, id: string, stage: StageProps, props: VaultKeyProps) {
    super(scope, id)
    this.#variable = props.variable
    this.key = new Key(this, 'Key', {
      description: `Heliograph ${stage.name}: ${props.purpose}`,
      alias: `alias/${physicalName(stage, props.name)}`,
      keySpec: props.spec,
      keyUsage: props.usage,
      enableKeyRotation: props.rotates,
      policy: keyPolicy(props.actions),
      removalPolicy: removalOnceDeployed(stage),
      pendingWindow: Duration.days(stage.removal === 'retain' ? 30 : 7),
    })
  }

  /** Tells the function the key and permits these actions with it. */
  grant(grantee: HeliographFunction, ...actions: readonly KeyAction[]): void {
    grantee.set(this.#variable, this.key.keyArn)
    grantee.allow(withPrefix(actions), [this.key.keyArn])
  }
}

/**
 * Leaves all permission to IAM, as KMS's default policy does, but names the actions: a CA key
 * cannot be granted to another account, replicated or given new material.
 */
function keyPolicy(actions: readonly KeyAction[]): PolicyDocument {
  const statement = new PolicyStatement({
    principals: [new AccountRootPrincipal()],
    actions: withPrefix([...administration, ...actions]),
    resources: ['*'],
  })
  return new PolicyDocument({ statements: [statement] })
}

function withPrefix(actions: readonly string[]): string[] {
  return actions.map((action) => `kms:${action}`)
}
