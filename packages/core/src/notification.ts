import { hash } from 'node:crypto'
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
} from '@heliograph/protocol/identifiers'
import type { DownMessage } from '@heliograph/protocol/messages'
import { isPerCollapseId } from '@heliograph/protocol/pending-rule'
import { isPriority, type Priority } from '@heliograph/protocol/priority'
import { type PushType, parsePushType } from '@heliograph/protocol/push-type'

/** An accepted notification: what the queue carries and a pending slot keeps. */
export interface Notification {
  readonly id: NotificationId
  /** Generated for every notification; the key for searching the log (`apns-unique-id`). */
  readonly uniqueId: string
  /** True if the provider chose the id, so it may come again as a retry. */
  readonly idFromProvider: boolean
  readonly seq: Seq
  readonly deviceId: DeviceId
  readonly topic: Topic
  /** See `tokenFingerprint`: it shows which token was used, without being the token itself. */
  readonly tokenFingerprint: string
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** UNIX seconds; 0 = one attempt, never stored. */
  readonly expiration: number
  readonly priority: Priority
  readonly pushType: PushType
  readonly collapseId?: string
  /**
   * Of this topic the newest of each collapse id waits for a device, at most this many. Absent: the
   * newest of the topic.
   */
  readonly perCollapseId?: number
  /** The JSON text byte for byte as the provider sent it. */
  readonly payload: string
  /** Made by accept over all of the above (packages/core/src/delivery/seal.ts); empty if a version before seals wrote it. */
  readonly seal: string
}

/** 12 hex digits that tell tokens apart in a log without giving one away. */
export function tokenFingerprint(token: DeviceToken): string {
  return hash('sha256', token).slice(0, 12)
}

/** True when the notification may no longer be delivered. Those never stored do not expire in transit. */
export function isExpired(notification: Notification, nowMs: number): boolean {
  return notification.expiration !== 0 && notification.expiration * 1000 <= nowMs
}

type Whole = Omit<DownMessage<'notification'>, 'payload'>

/** JSON has no member for what is undefined. */
type Head = { readonly [Name in keyof Whole]: Whole[Name] | undefined }

/**
 * The message that a device receives on `heliograph/notification`. The payload is inserted as text,
 * at the end, so that it reaches the device byte for byte, including numbers beyond 2^53 and
 * duplicate keys.
 */
export function deviceMessage(notification: Notification, stored: boolean): string {
  const { id, uniqueId, topic, seq, acceptedAt, expiration, priority, pushType } = notification
  const { collapseId, perCollapseId } = notification
  const head: Head = {
    id,
    uniqueId,
    topic,
    seq,
    acceptedAt,
    stored,
    expiration,
    priority,
    pushType,
    collapseId,
    pending: perCollapseId === undefined ? undefined : 'perCollapseId',
  }
  return `${JSON.stringify(head).slice(0, -1)},"payload":${notification.payload}}`
}

/** SQS and XML refuse these two code points, which JSON allows unescaped. */
const REFUSED_BY_SQS = /[\ufffe\uffff]/g

/** JSON that SQS accepts. */
export function queueText(value: object): string {
  return JSON.stringify(value).replace(
    REFUSED_BY_SQS,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  )
}

export function serializeNotification(notification: Notification): string {
  return queueText(notification)
}

/** The notification in a queue message or slot, or undefined if it is not one. */
export function parseNotification(text: string): Notification | undefined {
  const value = parseObject(text)
  return value && notificationIn(value)
}

/** The notification in a JSON object, or undefined if it is not one. */
export function notificationIn(value: Record<string, unknown>): Notification | undefined {
  const parsed = {
    id: parseNotificationId(value.id),
    seq: parseSeq(value.seq),
    deviceId: parseDeviceId(value.deviceId),
    topic: parseTopic(value.topic),
    tokenFingerprint: fingerprintIn(value),
    pushType: typeof value.pushType === 'string' ? parsePushType(value.pushType) : undefined,
    priority: isPriority(value.priority) ? value.priority : undefined,
  }
  if (Object.values(parsed).includes(undefined) || !hasScalars(value)) return undefined
  const { uniqueId, idFromProvider, acceptedAt, expiration, payload } = value
  const { collapseId, perCollapseId } = value
  const seal = typeof value.seal === 'string' ? value.seal : ''
  const scalars = { uniqueId, idFromProvider, acceptedAt, expiration, payload, seal }
  return {
    ...{ ...parsed, ...scalars },
    ...(collapseId !== undefined && { collapseId }),
    ...(perCollapseId !== undefined && { perCollapseId }),
  } as Notification
}

/** Version 1 of the stored format contained the token itself, which is dropped here. */
function fingerprintIn({ tokenFingerprint: own, token }: Record<string, unknown>) {
  if (typeof own === 'string' && /^[0-9a-f]{12}$/.test(own)) return own
  const old = parseDeviceToken(token)
  return old && tokenFingerprint(old)
}

/** The JSON object in this text, or undefined if it is not one. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

interface Scalars {
  readonly uniqueId: string
  readonly idFromProvider: boolean
  readonly acceptedAt: number
  readonly expiration: number
  readonly payload: string
  readonly collapseId?: string
  readonly perCollapseId?: number
}

function hasScalars(value: Record<string, unknown>): value is Record<string, unknown> & Scalars {
  return (
    typeof value.uniqueId === 'string' &&
    typeof value.idFromProvider === 'boolean' &&
    Number.isSafeInteger(value.acceptedAt) &&
    Number.isSafeInteger(value.expiration) &&
    typeof value.payload === 'string' &&
    (value.collapseId === undefined || typeof value.collapseId === 'string') &&
    (value.perCollapseId === undefined || isPerCollapseId(value.perCollapseId))
  )
}
