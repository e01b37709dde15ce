import { listenToTopic } from '@heliograph/aws/operator/event-listener'
import { parseAnnouncement } from '@heliograph/core/events/announcement'
import { areEventsOff, parseEventSettings } from '@heliograph/core/events/event-settings'
import type { Announcement } from '@heliograph/protocol/messages'
import { type AwsDeployment, awsOnly } from '../aws-stage.ts'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { isMachine, type MachineDeployment } from '../machine-deployment.ts'

export interface EventWishes {
  /** Only of these; absent: of all. */
  readonly topics?: readonly string[]
  readonly outcomes?: readonly string[]
}

export interface EventHearer {
  /** From here on nothing is missed. */
  ready(): void
  hear(event: Announcement): void
  /** Events that were gone before they could be read. */
  missed(count: number): void
  readonly stop: AbortSignal
}

/** Hears events as they happen, until `stop` fires. */
export function listenToEvents(
  deployment: Deployment,
  wishes: EventWishes,
  hearer: EventHearer,
): Promise<void> {
  return isMachine(deployment)
    ? listenToMachine(deployment, wishes, hearer)
    : listenToStage(awsOnly(deployment, 'one machine has no topic'), wishes, hearer)
}

async function listenToStage(
  { clients, outputs, stage, ids }: AwsDeployment,
  { topics, outcomes }: EventWishes,
  { ready, hear, stop }: EventHearer,
): Promise<void> {
  const { EventTopic: topicArn, EventSettings: text } = outputs
  if (!topicArn || !text)
    throw new Failure('notFound', 'this stage has no events: deploy it with this version')
  if (areEventsOff(parseEventSettings(text)))
    throw new Failure(
      'refused',
      'events are off in this stage: deploy it with -c events=tokens, exceptions or all',
    )
  await listenToTopic(clients, {
    topicArn,
    queueName: `heliograph-${stage}-listen-${ids.uuid()}`,
    filter: { ...(topics && { topic: topics }), ...(outcomes && { outcome: outcomes }) },
    ready,
    hear: (body) => {
      const event = parseAnnouncement(body)
      // someone else may publish to the topic, by mistake or with a right that they should not have
      if (event) hear(event)
    },
    stop,
  })
}

async function listenToMachine(
  { machine }: MachineDeployment,
  { topics, outcomes }: EventWishes,
  { ready, hear, missed, stop }: EventHearer,
): Promise<void> {
  const isWanted = ({ topic, outcome }: Announcement) =>
    (topics?.includes(topic) ?? true) && (outcomes?.includes(outcome) ?? true)
  let { next } = await machine.events()
  ready()
  while (!stop.aborted) {
    const heard = await machine.events(next)
    next = heard.next
    if (heard.missed > 0) missed(heard.missed)
    for (const event of heard.events.filter(isWanted)) hear(event)
  }
}
