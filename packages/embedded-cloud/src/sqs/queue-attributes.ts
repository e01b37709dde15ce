import { SqsError } from './error.ts'
import type { Json } from './json.ts'
import type { Queue } from './queue.ts'

/** sqs:API_SetQueueAttributes: seconds, or bytes for MaximumMessageSize. */
const ranges: Readonly<Record<string, readonly [least: number, most: number]>> = {
  DelaySeconds: [0, 900],
  MaximumMessageSize: [1_024, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  VisibilityTimeout: [0, 43_200],
}

export function checkAttributes(attributes: Readonly<Record<string, string>>): void {
  for (const [name, [least, most]] of Object.entries(ranges)) {
    if (attributes[name] === undefined) continue
    const value = Number(attributes[name])
    if (Number.isInteger(value) && value >= least && value <= most) continue
    const message = `Invalid value for the parameter ${name}. Reason: Must be between ${least} and ${most}.`
    throw new SqsError('InvalidAttributeValue', message)
  }
}

export function setQueueAttributes(queue: Queue, input: Json): Json {
  const { Attributes: attributes = {} } = input as { Attributes?: Record<string, string> }
  checkAttributes(attributes)
  const { FifoQueue } = attributes
  if (FifoQueue !== undefined && (FifoQueue === 'true') !== queue.isFifo)
    throw new SqsError('InvalidAttributeValue', 'FifoQueue of an existing queue cannot change.')
  queue.setAttributes(attributes)
  return {}
}

/** Only the requested attributes, like SQS; everything with `All`. */
export function getQueueAttributes(queue: Queue, input: Json): Json {
  const { AttributeNames: names = [] } = input as { AttributeNames?: readonly string[] }
  const wanted = (name: string) => names.includes('All') || names.includes(name)
  const all = Object.entries({ ...queue.attributes, ...stateOf(queue) })
  const Attributes = Object.fromEntries(all.filter(([name]) => wanted(name)))
  return Object.keys(Attributes).length === 0 ? {} : { Attributes }
}

function stateOf(queue: Queue): Record<string, string> {
  const { visible, inFlight, delayed } = queue.depth()
  return {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: seconds(queue.created),
    LastModifiedTimestamp: seconds(queue.modified),
  }
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1000))
}
