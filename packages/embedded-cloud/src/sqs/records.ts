import type { Message, MessageAttributes } from './message.ts'
import type { Delivery, Queue } from './queue.ts'

/** One message as a Lambda event's `Records[]` carries it (lambda:with-sqs). */
export interface QueueRecord {
  readonly messageId: string
  readonly receiptHandle: string
  readonly body: string
  readonly md5OfBody: string
  readonly attributes: Readonly<Record<string, string>>
  readonly messageAttributes: Readonly<Record<string, QueueRecordAttribute>>
  readonly eventSource: 'aws:sqs'
  readonly eventSourceARN: string
  readonly awsRegion: string
}

export interface QueueRecordAttribute {
  readonly dataType: string
  readonly stringValue?: string
  readonly binaryValue?: string
  readonly stringListValues: readonly string[]
  readonly binaryListValues: readonly string[]
}

/** A message that was just received from `queue`, with all its attributes. */
export function queueRecord(
  queue: Queue,
  { message, receiptHandle }: Delivery,
  region: string,
): QueueRecord {
  return {
    messageId: message.messageId,
    receiptHandle,
    body: message.body,
    md5OfBody: message.md5OfBody,
    attributes: systemAttributes(message),
    messageAttributes: messageAttributes(message.messageAttributes),
    eventSource: 'aws:sqs',
    eventSourceARN: queue.arn,
    awsRegion: region,
  }
}

/** sqs:API_ReceiveMessage, MessageSystemAttributeNames: those that this message has. */
export function systemAttributes(message: Message): Record<string, string> {
  const some: Record<string, string | undefined> = {
    ApproximateReceiveCount: String(message.approximateReceiveCount),
    SentTimestamp: String(message.sentTimestamp),
    SenderId: '000000000000',
    ApproximateFirstReceiveTimestamp: String(message.approximateFirstReceiveTimestamp),
    MessageGroupId: message.messageGroupId,
    MessageDeduplicationId: message.messageDeduplicationId,
    SequenceNumber: message.sequenceNumber,
    DeadLetterQueueSourceArn: message.sourceArn,
  }
  const present = Object.entries(some).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as Record<string, string>
}

function messageAttributes(attributes: MessageAttributes): Record<string, QueueRecordAttribute> {
  const named = Object.entries(attributes).map(([name, attribute]) => [
    name,
    {
      dataType: attribute.DataType,
      ...(attribute.StringValue === undefined ? {} : { stringValue: attribute.StringValue }),
      ...(attribute.BinaryValue === undefined ? {} : { binaryValue: attribute.BinaryValue }),
      stringListValues: [],
      binaryListValues: [],
    },
  ])
  return Object.fromEntries(named)
}
