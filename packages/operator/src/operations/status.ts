import { operatorQueue } from '@heliograph/aws/operator/queues'
import { oldestMessages } from '@heliograph/aws/operator/watch'
import { type AwsDeployment, awsOnly, type Outputs } from '../aws-stage.ts'
import type { Deployment } from '../deployment.ts'
import { isMachine, type MachineDeployment } from '../machine-deployment.ts'
import { deadLetterQueues } from './dead-letter-queues.ts'

/** How full a queue is. */
export interface QueueState {
  readonly name: string
  /** Whether functions work on it, or only an operator. */
  readonly kind: 'work' | 'deadLetters'
  /** Messages that wait, roughly. */
  readonly waiting: number
  /** Messages that are being processed. */
  readonly inFlight?: number
  /** Absent if nothing waits or it is not known. */
  readonly oldestSeconds?: number
}

/** The queues that functions work on. */
const workQueues = {
  notifications: 'NotificationQueue',
  slots: 'SlotQueue',
  outcomes: 'OutcomeQueue',
  announcements: 'AnnouncementQueue',
} as const satisfies Record<string, keyof Outputs>

/** Every queue of the deployment. */
export async function queueStates(deployment: Deployment): Promise<QueueState[]> {
  if (isMachine(deployment)) return queuesOfMachine(deployment)
  const aws = awsOnly(deployment, 'it has queues')
  const queues = [...queuesOf(aws, workQueues, 'work'), ...queuesOf(aws, deadLetterQueues)]
  const ages = await agesOf(aws, queues)
  return Promise.all(
    queues.map(async ({ name, kind, url }) => {
      const { visible, inFlight } = await operatorQueue(aws.clients.sqs, url).depth()
      const age = ages.get(queueNameOf(url))
      const isWaiting = visible + inFlight > 0 && age !== undefined
      return { name, kind, waiting: visible, inFlight, ...(isWaiting && { oldestSeconds: age }) }
    }),
  )
}

interface StageQueue {
  readonly name: string
  readonly kind: QueueState['kind']
  readonly url: string
}

/** An earlier version has fewer. */
function queuesOf(
  { outputs }: AwsDeployment,
  names: Readonly<Record<string, keyof Outputs>>,
  kind: QueueState['kind'] = 'deadLetters',
): StageQueue[] {
  return Object.entries(names).flatMap(([name, output]) => {
    const url = outputs[output]
    return url ? [{ name, kind, url }] : []
  })
}

/** The depth is useful even if the operator may not read metrics. */
async function agesOf(
  { clients, clock }: AwsDeployment,
  queues: readonly StageQueue[],
): Promise<ReadonlyMap<string, number>> {
  try {
    const names = queues.map(({ url }) => queueNameOf(url))
    return await oldestMessages(clients.cloudWatch, names, clock.now())
  } catch (fault) {
    if (isDenied(fault)) return new Map()
    throw fault
  }
}

/** `https://sqs.region.amazonaws.com/account/name` */
function queueNameOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}

function isDenied(fault: unknown): boolean {
  return fault instanceof Error && /AccessDenied|NotAuthorized|Unauthorized/.test(fault.name)
}

async function queuesOfMachine({ machine }: MachineDeployment): Promise<QueueState[]> {
  const { deadLetters, underWay } = await machine.state()
  const work = { kind: 'work' as const }
  return [
    // a server of an earlier version does not say
    ...(underWay
      ? [
          { ...work, name: 'notifications', waiting: underWay.notifications },
          { ...work, name: 'slots', waiting: underWay.slots },
        ]
      : []),
    { kind: 'deadLetters', name: 'notifications', waiting: deadLetters },
  ]
}

export interface DeviceFigures {
  readonly connected?: number
  /** What `connected` is, or why it is absent. */
  readonly note?: string
}

/** How many devices are connected, if they are counted. */
export async function deviceFigures(deployment: Deployment): Promise<DeviceFigures> {
  if (isMachine(deployment))
    return { connected: (await deployment.machine.state()).connectedDevices }
  return {
    note: 'AWS IoT Core does not count open connections. "device show" says of one device whether it is connected.',
  }
}
