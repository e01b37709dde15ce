import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { serializeOutcomes } from '@heliograph/core/outcome'
import type { OutcomeQueue } from '@heliograph/core/ports'

/** About 200 kB, of the 1 MiB that SQS takes; SQS charges by 64 kB. */
const MOST_OUTCOMES = 500

/** The standard queue that carries outcomes to `record`. */
export function outcomeQueue(client: SQSClient, queueUrl: string): OutcomeQueue {
  return {
    async send(outcomes) {
      for (let at = 0; at < outcomes.length; at += MOST_OUTCOMES)
        await client.send(
          new SendMessageCommand({
            QueueUrl: queueUrl,
            MessageBody: serializeOutcomes(outcomes.slice(at, at + MOST_OUTCOMES)),
          }),
        )
    },
  }
}
