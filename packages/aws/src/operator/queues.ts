import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'

export interface QueueDepth {
  /** Roughly, as SQS counts. */
  readonly visible: number
  readonly inFlight: number
}

/** A message that was taken from a queue and is hidden there for a while. */
export interface TakenMessage {
  readonly messageId: string
  readonly body: string
  /** Milliseconds since the epoch. */
  readonly sentAt: number
  readonly receipt: string
}

/** What an operator does with a queue that only the operator empties. */
export interface OperatorQueue {
  depth(): Promise<QueueDepth>
  /** At most ten messages, hidden for `hideSeconds`; none if the queue is empty. */
  take(hideSeconds: number): Promise<readonly TakenMessage[]>
  /** Shows a message again at once. */
  putBack(message: TakenMessage): Promise<void>
  remove(message: TakenMessage): Promise<void>
}

export function operatorQueue(client: SQSClient, queueUrl: string): OperatorQueue {
  const target = { QueueUrl: queueUrl }
  return {
    async depth() {
      const { Attributes: attributes = {} } = await client.send(
        new GetQueueAttributesCommand({
          ...target,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      )
      return {
        visible: Number(attributes.ApproximateNumberOfMessages ?? 0),
        inFlight: Number(attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
      }
    },

    async take(hideSeconds) {
      const { Messages: messages = [] } = await client.send(
        new ReceiveMessageCommand({
          ...target,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: hideSeconds,
          // long polling asks every server of the queue, so that an empty answer means empty
          WaitTimeSeconds: 1,
          MessageSystemAttributeNames: ['SentTimestamp'],
        }),
      )
      return messages.map(takenMessage)
    },

    async putBack({ receipt }) {
      await client.send(
        new ChangeMessageVisibilityCommand({
          ...target,
          ReceiptHandle: receipt,
          VisibilityTimeout: 0,
        }),
      )
    },

    async remove({ receipt }) {
      await client.send(new DeleteMessageCommand({ ...target, ReceiptHandle: receipt }))
    },
  }
}

function takenMessage(message: Message): TakenMessage {
  return {
    messageId: message.MessageId ?? '',
    body: message.Body ?? '',
    sentAt: Number(message.Attributes?.SentTimestamp ?? 0),
    receipt: message.ReceiptHandle ?? '',
  }
}
