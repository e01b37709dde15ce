import {
  type DeviceId,
  type DeviceToken,
  type NotificationId,
  parseDeviceId,
  parseDeviceToken,
  parseNotificationId,
  parseSeq,
  parseTopic,
  type Seq,
  type Topic,
} from './identifiers.ts'
import { type PushType, parsePushType } from './push-type.ts'

export type Priority = 10 | 5 | 1

/** An accepted notification: what the queue carries and a pending slot keeps. */
export interface Notification {
  readonly id: NotificationId
  /** Made here for every notification; the key into the log (`apns-unique-id`). */
  readonly uniqueId: string
  /** True where the provider chose the id, so that it may come again as a retry. */
  readonly idFromProvider: boolean
  readonly seq: Seq
  readonly deviceId: DeviceId
  readonly topic: Topic
  readonly token: DeviceToken
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** UNIX seconds; 0 = one attempt, never stored. */
  readonly expiration: number
  readonly priority: Priority
  readonly pushType: PushType
  readonly collapseId?: string
  /** The JSON text byte for byte as the provider sent it. */
  readonly payload: string
}

/** Apple keeps a notification for at most 30 days. */
export const MAX_LIFETIME_SECONDS = 30 * 24 * 3600

/** True when the notification may no longer be delivered. Those never stored do not expire in transit. */
export function isExpired(notification: Notification, nowMs: number): boolean {
  return notification.expiration !== 0 && notification.expiration * 1000 <= nowMs
}

/**
 * The message that a device receives on `heliograph/notification`. The payload goes in as text and
 * last, so that it reaches the device byte for byte, numbers beyond 2^53 and duplicate keys included.
 */
export function deviceMessage(notification: Notification, stored: boolean): string {
  const { id, uniqueId, topic, seq, acceptedAt, expiration, priority, pushType } = notification
  const head = { id, uniqueId, topic, seq, acceptedAt, stored, expiration, priority, pushType }
  const { collapseId } = notification
  const text = JSON.stringify(collapseId === undefined ? head : { ...head, collapseId })
  return `${text.slice(0, -1)},"payload":${notification.payload}}`
}

/** SQS and XML refuse these two code points, which JSON lets through unescaped. */
const REFUSED_BY_SQS = /[\ufffe\uffff]/g

export function serializeNotification(notification: Notification): string {
  return JSON.stringify(notification).replace(
    REFUSED_BY_SQS,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  )
}

/** The notification in a queue message or slot, or undefined where it is none. */
export function parseNotification(text: string): Notification | undefined {
  const value = parseObject(text)
  if (!value) return undefined
  const parsed = {
    id: parseNotificationId(value.id),
    seq: parseSeq(value.seq),
    deviceId: parseDeviceId(value.deviceId),
    topic: parseTopic(value.topic),
    token: parseDeviceToken(value.token),
    pushType: typeof value.pushType === 'string' ? parsePushType(value.pushType) : undefined,
    priority: isPriority(value.priority) ? value.priority : undefined,
  }
  if (Object.values(parsed).includes(undefined) || !hasScalars(value)) return undefined
  return { ...value, ...parsed } as unknown as Notification
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function isPriority(value: unknown): value is Priority {
  return value === 10 || value === 5 || value === 1
}

function hasScalars(value: Record<string, unknown>): boolean {
  return (
    typeof value.uniqueId === 'string' &&
    typeof value.idFromProvider === 'boolean' &&
    Number.isSafeInteger(value.acceptedAt) &&
    Number.isSafeInteger(value.expiration) &&
    typeof value.payload === 'string' &&
    (value.collapseId === undefined || typeof value.collapseId === 'string')
  )
}
