import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import {
  type Notification,
  parseNotification,
  serializeNotification,
} from '../core/notification.ts'
import type { NotificationQueue } from '../core/ports.ts'

/** The standard queue between accept and deliver; the group makes one topic's burst wait, not all. */
export function notificationQueue(client: SQSClient, queueUrl: string): NotificationQueue {
  return {
    async send(notification, options = {}) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: writeMessage(notification, options.slotOnly ?? false),
          MessageGroupId: groupOf(notification.topic),
          ...(options.delaySeconds ? { DelaySeconds: options.delaySeconds } : {}),
        }),
      )
    },
  }
}

/** SQS: at most 128 characters; the end of a long topic tells more than its start. */
function groupOf(topic: string): string {
  return topic.slice(-128)
}

const SLOT_ONLY = 'slot:'

/** The body of a queue message. */
export function writeMessage(notification: Notification, slotOnly: boolean): string {
  return (slotOnly ? SLOT_ONLY : '') + serializeNotification(notification)
}

export interface QueueMessage {
  readonly notification: Notification
  readonly slotOnly: boolean
}

/** A queue message's body, or undefined where it is none of this service's. */
export function readMessage(body: string): QueueMessage | undefined {
  const slotOnly = body.startsWith(SLOT_ONLY)
  const notification = parseNotification(slotOnly ? body.slice(SLOT_ONLY.length) : body)
  return notification && { notification, slotOnly }
}
