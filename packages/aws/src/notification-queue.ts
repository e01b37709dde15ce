import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { type Multicast, parseMulticast, serializeMulticast } from '@heliograph/core/multicast'
import {
  type Notification,
  parseNotification,
  serializeNotification,
} from '@heliograph/core/notification'
import type { NotificationQueue, QueueOptions } from '@heliograph/core/ports'

/** The standard queue between accept and deliver; the group makes one topic's burst, or one device's slots, wait, not all. */
export function notificationQueue(client: SQSClient, queueUrl: string): NotificationQueue {
  return {
    async send(notification, options = {}) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: writeMessage(notification, options.slotOnly ?? false),
          MessageGroupId: options.slotOnly ? notification.deviceId : groupOf(notification.topic),
          ...delayOf(options),
        }),
      )
    },

    async sendMulticasts(multicasts, options = {}) {
      const { Failed: failed = [] } = await client.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: multicasts.map((multicast, at) => ({
            Id: String(at),
            MessageBody: writeMulticast(multicast),
            MessageGroupId: groupOf(multicast[0]?.notification.topic ?? ''),
            ...delayOf(options),
          })),
        }),
      )
      const held = multicasts.filter((_, at) => !failed.some(({ Id }) => Id === String(at)))
      return new Set(held.flat().map(({ notification }) => notification))
    },
  }
}

function delayOf({ delaySeconds }: Pick<QueueOptions, 'delaySeconds'>) {
  return delaySeconds ? { DelaySeconds: delaySeconds } : {}
}

/** SQS: at most 128 characters; the end of a long topic is more distinctive than its start. */
function groupOf(topic: string): string {
  return topic.slice(-128)
}

const SLOT_ONLY = 'slot:'

/** The body of a queue message. */
export function writeMessage(notification: Notification, slotOnly: boolean): string {
  return (slotOnly ? SLOT_ONLY : '') + serializeNotification(notification)
}

const MULTICAST = 'multicast:'

/** The body of a queue message to many devices. */
export function writeMulticast(multicast: Multicast): string {
  return MULTICAST + serializeMulticast(multicast)
}

/** The multicast in a queue message's body, or undefined if it is not one of this service's. */
export function readMulticast(body: string): Multicast | undefined {
  return body.startsWith(MULTICAST) ? parseMulticast(body.slice(MULTICAST.length)) : undefined
}

export interface QueueMessage {
  readonly notification: Notification
  readonly slotOnly: boolean
}

/**
 * The single notification in a queue message's body, or undefined if it is not one of this
 * service's.
 */
export function readMessage(body: string): QueueMessage | undefined {
  const slotOnly = body.startsWith(SLOT_ONLY)
  const notification = parseNotification(slotOnly ? body.slice(SLOT_ONLY.length) : body)
  return notification && { notification, slotOnly }
}
