import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { serializeAnnouncements } from '@heliograph/core/events/announcement'
import type { AnnouncementQueue } from '@heliograph/core/ports'

/** About 100 kB: what `announce` publishes of one message is ten batches of two dozen. */
const MOST_ANNOUNCEMENTS = 250

/** The standard queue that carries events to `announce`. */
export function announcementQueue(client: SQSClient, queueUrl: string): AnnouncementQueue {
  return {
    async send(announcements) {
      for (let at = 0; at < announcements.length; at += MOST_ANNOUNCEMENTS)
        await client.send(
          new SendMessageCommand({
            QueueUrl: queueUrl,
            MessageBody: serializeAnnouncements(announcements.slice(at, at + MOST_ANNOUNCEMENTS)),
          }),
        )
    },
  }
}
