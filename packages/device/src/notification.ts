import { type JsonObject, numberAt, parseObject, textAt } from './json.ts'

/** A notification as the handler gets it. */
export interface Notification {
  /** The `apns-id`. */
  readonly id: string
  readonly topic: string
  /** The channel that it was published on; absent if it was sent to this device. */
  readonly channel?: string
  /** When the service accepted it; milliseconds since the epoch. */
  readonly acceptedAt: number
  /** True when it waited for this device: in its pending slot, or as the latest of its channel. */
  readonly stored: boolean
  /** UNIX seconds; 0 = one attempt, never stored. */
  readonly expiration: number
  /** 10, 5 or 1 (Apple: apns-priority). */
  readonly priority: number
  readonly pushType: string
  readonly collapseId?: string
  /**
   * `perCollapseId`: while the device is away, the service keeps the newest notification of each
   * collapse id, and those without one. Absent: it keeps the newest of the topic.
   */
  readonly pending?: 'perCollapseId'
  /** `apns-unique-id`: what an operator finds it by in the service's log. */
  readonly uniqueId?: string
  /** The service's order, a ULID; greater as text = newer. */
  readonly seq?: string
  /** The payload as JSON.parse gives it. */
  readonly payload: unknown
  /** The payload exactly as the provider wrote it, numbers beyond 2^53 and duplicate keys included. */
  readonly payloadText: string
}

/** Cannot occur inside a JSON string (its quotes would be escaped), so the first one is the key. */
const BEFORE_PAYLOAD = ',"payload":'

/** The notification in a message, or undefined if it is not a notification. */
export function parseNotification(text: string): Notification | undefined {
  const object = parseObject(text)
  return object && readNotification(text, object)
}

/**
 * What a channel's topic carries, or undefined if it is not a notification of this channel. It is
 * `stored` if the broker had retained it.
 */
export function parseBroadcast(
  text: string,
  channel: string,
  stored: boolean,
): Notification | undefined {
  const object = parseObject(text)
  if (!object || object.channel !== channel) return undefined
  const notification = readNotification(text, object)
  return notification && { ...notification, channel, stored }
}

function readNotification(text: string, object: JsonObject): Notification | undefined {
  const id = textAt(object, 'id')
  const topic = textAt(object, 'topic')
  const acceptedAt = numberAt(object, 'acceptedAt')
  if (!id || !topic || acceptedAt === undefined || object.payload === undefined) return undefined
  return {
    ...{ id, topic, acceptedAt, stored: object.stored === true },
    expiration: numberAt(object, 'expiration') ?? 0,
    priority: numberAt(object, 'priority') ?? 10,
    pushType: textAt(object, 'pushType') ?? 'alert',
    ...collapsingIn(object),
    ...optional('uniqueId', textAt(object, 'uniqueId')),
    ...optional('seq', textAt(object, 'seq')),
    payload: object.payload,
    payloadText: payloadText(text) ?? JSON.stringify(object.payload),
  }
}

/** `payload` is the last key of the message: its text runs to the last closing brace. */
function payloadText(text: string): string | undefined {
  const start = text.indexOf(BEFORE_PAYLOAD)
  const end = text.lastIndexOf('}')
  return start < 0 ? undefined : text.slice(start + BEFORE_PAYLOAD.length, end)
}

/** What a notification is one of: a topic, or a channel. No topic has a slash in it. */
export function originOf({ topic, channel }: Pick<Notification, 'topic' | 'channel'>): string {
  return channel === undefined ? topic : `channel/${channel}`
}

/** What says whether another may have replaced it. */
export function collapsingIn(object: JsonObject): Pick<Notification, 'collapseId' | 'pending'> {
  return {
    ...optional('collapseId', textAt(object, 'collapseId')),
    ...(object.pending === 'perCollapseId' ? { pending: object.pending } : {}),
  }
}

function optional<Key extends string>(
  key: Key,
  value: string | undefined,
): Partial<Record<Key, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, string>)
}

/** True when `one` was accepted before `other`; not known to be = false. */
export function isOlder(
  one: Pick<Notification, 'seq' | 'acceptedAt'>,
  other: Pick<Notification, 'seq' | 'acceptedAt'>,
): boolean {
  if (one.seq !== undefined && other.seq !== undefined) return one.seq < other.seq
  return one.acceptedAt < other.acceptedAt
}
