import {
  type AwsEnvironment,
  type OperatorClients,
  operatorClients,
} from '@heliograph/aws/operator/clients'
import { stackOutputs } from '@heliograph/aws/operator/stack-outputs'
import { systemClock, systemIds } from '@heliograph/aws/world'
import type { Clock } from '@heliograph/core/ports'
import { awsPorts } from './aws-ports.ts'
import { type AwsDeployment, type Outputs, outputNames, type StackPart } from './aws-stage.ts'
import { Failure } from './failure.ts'

export interface DeploymentOptions {
  /** As in `cdk deploy -c stage=…`; the embedded cloud's is `local`. */
  readonly stage: string
  /** `AWS_…` variables; absent: the process's own environment and the AWS profile. */
  readonly environment?: AwsEnvironment
  readonly clock?: Clock
}

/**
 * Finds everything of a stage through the outputs of its stacks; the embedded cloud answers the
 * same call. Throws a `Failure` of kind `notFound` if a stack or an output is missing.
 */
export async function openDeployment(options: DeploymentOptions): Promise<AwsDeployment> {
  const { stage, environment, clock = systemClock } = options
  const clients = operatorClients(environment)
  try {
    const parts = Object.keys(outputNames) as StackPart[]
    const some = await Promise.all(parts.map((part) => outputsOf(clients, stage, part)))
    const outputs = Object.assign({}, ...some) as Outputs
    const found = { stage, outputs, clients, clock, ids: systemIds() }
    return { ...found, ports: awsPorts(found), close: async () => clients.close() }
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
