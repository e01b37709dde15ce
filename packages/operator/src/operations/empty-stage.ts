import { fleet } from '@heliograph/aws/fleet'
import { pace } from '@heliograph/aws/pace'
import { systemWait } from '@heliograph/aws/patience'
import { CALLS_PER_SECOND } from '@heliograph/aws/registry-quota'
import { type Emptying, emptyStage, startOfEmptying } from '@heliograph/core/devices/empty'
import { awsOnly } from '../aws-stage.ts'
import type { Deployment } from '../deployment.ts'

export interface EmptyOptions {
  /** Calls a second of each operation of IoT Core's registry. */
  readonly perSecond?: number
  /** Hears how far it has come. */
  progress(state: Emptying): void
}

/**
 * Removes every device of a stage from IoT Core: the things and certificates that its stacks cannot
 * delete, and that prevent the device policy from being deleted. Tables and the policy stay. May be
 * repeated; an interrupted run has done what it counted.
 */
export async function emptyOfDevices(
  deployment: Deployment,
  { perSecond = CALLS_PER_SECOND, progress }: EmptyOptions,
): Promise<Emptying> {
  const { clients, outputs, clock } = awsOnly(
    deployment,
    'one machine keeps its devices in its state folder; stop the server and remove the folder',
  )
  const { DevicePolicy: policyName, DevicesTable: devicesTable } = outputs
  const iot = pace(clients.iot, perSecond, clock)
  const ports = {
    clock,
    progress,
    wait: systemWait,
    fleet: fleet(iot, clients.dynamoDb, { policyName, devicesTable }),
  }
  const all = { until: Number.POSITIVE_INFINITY, withPolicy: false }
  return await emptyStage(startOfEmptying, ports, all)
}
