import {
  type Emptying,
  type EmptyPorts,
  emptyStage,
  startOfEmptying,
} from '@heliograph/core/devices/empty'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import type { Made } from '../custom-resource.ts'

/** The event of CloudFormation, or of the round before. */
export type EmptyEvent = CloudFormationCustomResourceEvent & { readonly emptying?: Emptying }

export interface EmptyStagePorts extends EmptyPorts {
  /** Status of the stack that the event is from, for example `DELETE_IN_PROGRESS`. */
  stackStatus(stackId: string): Promise<string>
  /** Hands the event to the next round. */
  goOn(event: EmptyEvent): Promise<void>
}

/**
 * One execution lasts at most 15 minutes, so the work is done in rounds. Five of them fill the hour
 * that CloudFormation waits; Lambda regards sixteen as a runaway loop.
 */
export const ROUND_MS = 12 * 60_000

/** The stack is deleted, or its first deployment has failed. A resource that leaves the template for another reason takes no devices with it. */
const endings = ['DELETE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS']

/**
 * Takes a stage's devices out of IoT Core when its stack is deleted, before the policy that they hold. The round that
 * finishes answers CloudFormation.
 */
export async function emptyOnDelete(
  event: EmptyEvent,
  ports: EmptyStagePorts,
): Promise<Made | 'later'> {
  if (event.RequestType !== 'Delete') return { physicalId: `${event.LogicalResourceId}-devices` }
  const made = { physicalId: event.PhysicalResourceId }
  if (!endings.includes(await ports.stackStatus(event.StackId))) return made
  const round = { until: ports.clock.now() + ROUND_MS, withPolicy: true }
  const emptying = await emptyStage(event.emptying ?? startOfEmptying, ports, round)
  if (emptying.step === 'done') return made
  await ports.goOn({ ...event, emptying })
  return 'later'
}
