import { type SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns'
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'

export interface EventListener {
  readonly topicArn: string
  /** Of the queue that is made for the time of listening. */
  readonly queueName: string
  /** SNS's filter policy, on the attributes; empty: everything. */
  readonly filter: Readonly<Record<string, readonly string[]>>
  /** Called once events arrive. */
  ready(): void
  /** Hears each body. */
  hear(body: string): void
  readonly stop: AbortSignal
}

/** Should the queue be left behind, it holds no more than these last minutes. */
const KEPT_SECONDS = 300

/**
 * Hears what a topic publishes through a queue that is made for it, until `stop` fires; then queue and subscription are
 * removed, also after a failure.
 */
export async function listenToTopic(
  { sns, sqs }: { readonly sns: SNSClient; readonly sqs: SQSClient },
  listener: EventListener,
): Promise<void> {
  const queueUrl = await makeQueue(sqs, listener)
  try {
    const subscriptionArn = await subscribe(sns, listener)
    try {
      listener.ready()
      while (!listener.stop.aborted) await receive(sqs, queueUrl, listener)
    } finally {
      await sns.send(new UnsubscribeCommand({ SubscriptionArn: subscriptionArn }))
    }
  } finally {
    await sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl }))
  }
}

/** A queue into which only this topic may put something. */
async function makeQueue(sqs: SQSClient, { topicArn, queueName }: EventListener): Promise<string> {
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn(topicArn, queueName),
    Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
  }
  const { QueueUrl: url = '' } = await sqs.send(
    new CreateQueueCommand({
      QueueName: queueName,
      Attributes: {
        MessageRetentionPeriod: String(KEPT_SECONDS),
        SqsManagedSseEnabled: 'true',
        Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      },
    }),
  )
  return url
}

/** In the account and region of the topic. */
function queueArn(topicArn: string, queueName: string): string {
  const [, partition, , region, account] = topicArn.split(':')
  return `arn:${partition}:sqs:${region}:${account}:${queueName}`
}

async function subscribe(
  sns: SNSClient,
  { topicArn, queueName, filter }: EventListener,
): Promise<string> {
  const isFiltered = Object.keys(filter).length > 0
  const { SubscriptionArn: arn = '' } = await sns.send(
    new SubscribeCommand({
      TopicArn: topicArn,
      Protocol: 'sqs',
      Endpoint: queueArn(topicArn, queueName),
      ReturnSubscriptionArn: true,
      Attributes: {
        RawMessageDelivery: 'true',
        ...(isFiltered && { FilterPolicy: JSON.stringify(filter) }),
      },
    }),
  )
  return arn
}

async function receive(
  sqs: SQSClient,
  QueueUrl: string,
  { hear, stop }: EventListener,
): Promise<void> {
  const messages = await longPoll(sqs, QueueUrl, stop)
  if (messages.length === 0) return
  for (const { Body: body = '' } of messages) hear(body)
  const Entries = messages.map(({ ReceiptHandle }, place) => ({ Id: String(place), ReceiptHandle }))
  await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
}

async function longPoll(
  sqs: SQSClient,
  QueueUrl: string,
  abortSignal: AbortSignal,
): Promise<readonly Message[]> {
  const ask = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 10 })
  try {
    const { Messages: messages = [] } = await sqs.send(ask, { abortSignal })
    return messages
  } catch (fault) {
    if (abortSignal.aborted) return []
    throw fault
  }
}
