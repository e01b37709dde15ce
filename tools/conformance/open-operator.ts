import { openDeployment } from '../../packages/operator/src/aws-deployment.ts'
import type { Deployment } from '../../packages/operator/src/deployment.ts'
import { openMachine } from '../../packages/operator/src/machine-deployment.ts'

/** Who the operator of a deployment is: of a stage by `AWS_…` variables, of one machine by its state folder. */
export interface OperatorReach {
  readonly stage: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The variable that names the state folder of one machine. */
export const MACHINE_STATE = 'HELIOGRAPH_STATE'

export function openOperator({ stage, environment }: OperatorReach): Promise<Deployment> {
  const state = environment[MACHINE_STATE]
  return state === undefined ? openDeployment({ stage, environment }) : openMachine(state)
}
