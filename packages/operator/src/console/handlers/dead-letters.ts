import type { Deployment } from '../../deployment.ts'
import {
  type DeadLetterQueueName,
  deadLetterNotes,
  deadLetterQueueNames,
} from '../../operations/dead-letter-queues.ts'
import type { QueueWork } from '../../operations/dead-letters.ts'
import type { DeadLetterQueue, Job } from '../api.ts'
import { ApiFailure, within } from '../failure.ts'
import { demandConfirmed, optionalText, optionalWhole } from '../http/body.ts'
import type { Handlers } from '../http/router.ts'
import { patience } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

type Names =
  | 'GET /api/dead-letters'
  | 'GET /api/dead-letters/:queue'
  | 'POST /api/dead-letters/:queue/redrive'
  | 'POST /api/dead-letters/:queue/drop'

/** Loaded when it is used: it brings parts of the AWS SDK. */
const operations = () => import('../../operations/dead-letters.ts')

export function deadLetterHandlers(world: ConsoleWorld): Pick<Handlers, Names> {
  return { ...reading(world), ...working(world) }
}

function reading(
  world: ConsoleWorld,
): Pick<Handlers, 'GET /api/dead-letters' | 'GET /api/dead-letters/:queue'> {
  return {
    'GET /api/dead-letters': {
      seconds: patience.read,
      answer: async () => ({ queues: await queuesOf(await world.deployment()) }),
    },
    'GET /api/dead-letters/:queue': {
      seconds: patience.slowRead,
      async answer({ params, query }) {
        const limit = optionalWhole(query.get('limit'), 'limit', { least: 1, most: 1_000 }) ?? 20
        const deployment = await world.deployment()
        const queue = await findQueue(deployment, params.queue)
        const { peekDeadLetters } = await operations()
        return { queue, letters: await peekDeadLetters(deployment, queue.name, limit) }
      },
    },
  }
}

function working(
  world: ConsoleWorld,
): Pick<Handlers, 'POST /api/dead-letters/:queue/redrive' | 'POST /api/dead-letters/:queue/drop'> {
  return {
    'POST /api/dead-letters/:queue/redrive': {
      seconds: patience.read,
      async answer({ params }) {
        const { redriveDeadLetters } = await operations()
        return start(world, params.queue, 'redrive', async (deployment, name, work) => {
          await redriveDeadLetters(deployment, name, work)
        })
      },
    },
    'POST /api/dead-letters/:queue/drop': {
      seconds: patience.read,
      async answer({ params, body }) {
        demandConfirmed(body, nameOf(params.queue))
        const messageId = optionalText(body, 'messageId')
        const { dropDeadLetters } = await operations()
        return start(world, params.queue, 'drop', async (deployment, name, work) => {
          await dropDeadLetters(deployment, name, messageId, work)
        })
      },
    },
  }
}

type LetterWork = (
  deployment: Deployment,
  name: DeadLetterQueueName,
  work: QueueWork,
) => Promise<void>

async function start(
  { jobs, ...world }: ConsoleWorld,
  given: string,
  kind: Job['kind'],
  run: LetterWork,
): Promise<Job> {
  const deployment = await world.deployment()
  const { name, waiting: total, redrivable } = await findQueue(deployment, given)
  if (kind === 'redrive' && !redrivable)
    throw new ApiFailure('refused', `${name} cannot be redriven: ${deadLetterNotes[name].advice}`)
  return jobs.start({ kind, queue: name, total, run: (work) => run(deployment, name, work) })
}

interface NamedQueue extends DeadLetterQueue {
  readonly name: DeadLetterQueueName
}

function nameOf(given: string): DeadLetterQueueName {
  const name = deadLetterQueueNames.find((one) => one === given)
  if (name) return name
  throw new ApiFailure('notFound', `the queues are ${deadLetterQueueNames.join(', ')}`)
}

async function findQueue(deployment: Deployment, given: string): Promise<NamedQueue> {
  const name = nameOf(given)
  const found = (await within(patience.read, queuesOf(deployment))).find((one) => one.name === name)
  if (found) return found
  throw new ApiFailure('notFound', `this deployment has no queue ${name}`)
}

async function queuesOf(deployment: Deployment): Promise<NamedQueue[]> {
  const { deadLetterDepths } = await operations()
  const depths = await deadLetterDepths(deployment)
  return depths.map(({ queue, waiting }) => ({
    ...{ name: queue, waiting },
    ...deadLetterNotes[queue],
  }))
}
