/**
 * Reads the events of a stage from a queue that is subscribed to its topic, and prints them.
 *
 *   npx tsx examples/events/queue.ts <URL of the queue>
 *
 * Region, credentials and endpoint come from the environment, as for every program with the AWS SDK.
 */
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'

const [QueueUrl] = process.argv.slice(2)
if (!QueueUrl) throw new Error('name the queue: its URL')
const sqs = new SQSClient({})
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

interface Event {
  readonly type: 'notification' | 'token'
  readonly outcome: string
  readonly topic: string
  readonly token?: string
  readonly id?: string
}

/** Without raw message delivery, the event is inside an SNS message. */
function eventIn(body: string): Event {
  const value = JSON.parse(body) as Event | { readonly Type: string; readonly Message: string }
  return 'Message' in value ? JSON.parse(value.Message) : value
}

function handle(event: Event): void {
  // an event may come twice: handling it twice must do no harm
  if (event.type === 'token') console.log(`forget ${event.token} of ${event.topic}`)
  else console.log(`${event.id} of ${event.topic}: ${event.outcome}`)
}

while (!stop.signal.aborted) {
  const ask = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 })
  const { Messages = [] } = await sqs.send(ask, { abortSignal: stop.signal }).catch((fault) => {
    if (stop.signal.aborted) return { Messages: [] }
    throw fault
  })
  for (const { Body = '', ReceiptHandle } of Messages) {
    handle(eventIn(Body))
    // only now: a message that was received and not deleted comes again
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
  }
}
