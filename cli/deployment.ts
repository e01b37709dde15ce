import {
  type AwsEnvironment,
  type OperatorClients,
  operatorClients,
} from '../aws/operator/clients.ts'
import { stackOutputs } from '../aws/operator/stack-outputs.ts'
import { systemClock, systemIds } from '../aws/world.ts'
import type { Clock, Ids } from '../core/ports.ts'
import { Failure } from './failure.ts'

/** Every output that the commands use, by the stack that has it. */
const outputNames = {
  State: [
    'PendingTable',
    'RegistrationsTable',
    'FeedbackTable',
    'ProvidersTable',
    'AuthoritiesTable',
    'TokenKeysTable',
    'ActivationsTable',
    'DevicesTable',
    'NotificationQueue',
    'NotificationDeadLetters',
    'EventDeadLetters',
    'RuleErrors',
    'ProviderAuthorityKey',
    'DeviceAuthorityKey',
    'TokenWrapKey',
    'TrustBucket',
    'TruststoreKey',
    'TruststoreVersion',
    'IotEndpoint',
    'RotateFunction',
  ],
  Providers: ['ProviderUrl'],
  Devices: ['ActivationUrl', 'DevicePolicy'],
} as const

type StackPart = keyof typeof outputNames
export type OutputName = (typeof outputNames)[StackPart][number]
export type Outputs = Readonly<Record<OutputName, string>>

/** One stage, found and ready for an operator's commands. */
export interface Deployment {
  readonly stage: string
  readonly outputs: Outputs
  readonly clients: OperatorClients
  readonly clock: Clock
  readonly ids: Ids
  /** Frees the connections, so that the process can end. */
  close(): void
}

export interface DeploymentOptions {
  /** As in `cdk deploy -c stage=…`; the embedded cloud's is `local`. */
  readonly stage: string
  /** `AWS_…` variables; absent: the process's own environment and the AWS profile. */
  readonly environment?: AwsEnvironment
  readonly clock?: Clock
}

/**
 * Finds everything of a stage through the outputs of its stacks; the embedded cloud answers the same
 * call. Throws a `Failure` of kind `notFound` where a stack or an output is missing.
 */
export async function openDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { stage, environment, clock = systemClock } = options
  const clients = operatorClients(environment)
  try {
    const parts = Object.keys(outputNames) as StackPart[]
    const found = await Promise.all(parts.map((part) => outputsOf(clients, stage, part)))
    const outputs = Object.assign({}, ...found) as Outputs
    return { stage, outputs, clients, clock, ids: systemIds(), close: () => clients.close() }
  } catch (fault) {
    clients.close()
    throw fault
  }
}

async function outputsOf(clients: OperatorClients, stage: string, part: StackPart) {
  const stack = `Heliograph-${stage}-${part}`
  const outputs = await stackOutputs(clients.cloudFormation, stack)
  if (!outputs)
    throw new Failure(
      'notFound',
      `there is no stack ${stack}: check --stage and the AWS region, or deploy it first`,
    )
  const missing = outputNames[part].filter((name) => !outputs[name])
  if (missing.length > 0)
    throw new Failure(
      'notFound',
      `stack ${stack} has no output ${missing.join(', ')}: deploy it again with this version`,
    )
  return outputs
}
