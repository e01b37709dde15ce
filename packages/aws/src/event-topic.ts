import { PublishBatchCommand, type SNSClient } from '@aws-sdk/client-sns'
import { attributesOf } from '@heliograph/core/events/announcement'
import type { EventTopic } from '@heliograph/core/ports'
import type { Announcement } from '@heliograph/protocol/messages'

/** What SNS takes at once (API_PublishBatch); ten of the largest events are 10 kB, of 256 that it takes. */
const BATCH = 10
/** Batches that are under way at the same time. */
const WIDTH = 10

/** The stage's SNS topic: an event is a message, and what one filters by is in its attributes. */
export function eventTopic(client: SNSClient, topicArn: string): EventTopic {
  async function publishBatch(batch: readonly Announcement[]): Promise<readonly Announcement[]> {
    const { Failed: failed = [] } = await client.send(
      new PublishBatchCommand({
        TopicArn: topicArn,
        PublishBatchRequestEntries: batch.map((announcement, place) => ({
          Id: String(place),
          Message: JSON.stringify(announcement),
          MessageAttributes: messageAttributes(announcement),
        })),
      }),
    )
    return failed.flatMap(({ Id: place }) => batch[Number(place)] ?? [])
  }

  return {
    async publish(announcements) {
      const left: Announcement[] = []
      const batches = batchesOf(announcements)
      for (let at = 0; at < batches.length; at += WIDTH) {
        const some = batches.slice(at, at + WIDTH)
        const results = await Promise.allSettled(some.map(publishBatch))
        results.forEach((result, place) => {
          if (result.status === 'fulfilled') left.push(...result.value)
          else left.push(...(some[place] ?? []))
        })
        const [first] = results
        // if the service takes none of the first ten batches, the others are not tried
        if (at === 0 && first?.status === 'rejected' && left.length === some.flat().length)
          throw first.reason
      }
      return left
    },
  }
}

function batchesOf(announcements: readonly Announcement[]): readonly (readonly Announcement[])[] {
  return Array.from({ length: Math.ceil(announcements.length / BATCH) }, (_, place) =>
    announcements.slice(place * BATCH, (place + 1) * BATCH),
  )
}

function messageAttributes(announcement: Announcement) {
  return Object.fromEntries(
    Object.entries(attributesOf(announcement)).map(([name, StringValue]) => [
      name,
      { DataType: 'String', StringValue },
    ]),
  )
}
