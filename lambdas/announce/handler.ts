import { faultFields, type Log } from '@heliograph/aws/log'
import { parseAnnouncements } from '@heliograph/core/events/announcement'
import type { EventTopic } from '@heliograph/core/ports'
import type { Announcement } from '@heliograph/protocol/messages'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'

/**
 * Publishes the events in a batch of queue messages. If SNS did not take everything in a message,
 * the whole message comes again: subscribers get an event at least once.
 */
export function announceHandler(topic: EventTopic, log: Log) {
  return async ({ Records: records }: SQSEvent): Promise<SQSBatchResponse> => {
    const read = records.map(({ messageId, body }) => ({
      messageId,
      announcements: parseAnnouncements(body),
    }))
    for (const { messageId, announcements } of read)
      if (announcements === undefined)
        log.error('queue message holds no events: it goes to the dead-letter queue', { messageId })
    const left = await publish(
      topic,
      read.flatMap(({ announcements = [] }) => announcements),
      log,
    )
    const failed = read.filter(
      ({ announcements }) => announcements?.some((one) => left.has(one)) ?? true,
    )
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) }
  }
}

/** What SNS did not take. */
async function publish(
  topic: EventTopic,
  announcements: readonly Announcement[],
  log: Log,
): Promise<ReadonlySet<Announcement>> {
  if (announcements.length === 0) return new Set()
  try {
    const left = await topic.publish(announcements)
    if (left.length > 0) log.error('events were not taken', { events: left.length })
    return new Set(left)
  } catch (fault) {
    const events = announcements.length
    log.error('events could not be published', { events, ...faultFields(fault) })
    return new Set(announcements)
  }
}
