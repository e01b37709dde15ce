import { numberAt, parseObject, textAt } from './json.ts'

/** A notification as the handler gets it. */
export interface Notification {
  /** The `apns-id`. */
  readonly id: string
  readonly topic: string
  /** When the service accepted it; milliseconds since the epoch. */
  readonly acceptedAt: number
  /** True when it waited in the pending slot for this device to come back. */
  readonly stored: boolean
  /** UNIX seconds; 0 = one attempt, never stored. */
  readonly expiration: number
  /** 10, 5 or 1 (Apple: apns-priority). */
  readonly priority: number
  readonly pushType: string
  readonly collapseId?: string
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
  if (!object) return undefined
  const id = textAt(object, 'id')
  const topic = textAt(object, 'topic')
  const acceptedAt = numberAt(object, 'acceptedAt')
  if (!id || !topic || acceptedAt === undefined || object.payload === undefined) return undefined
  return {
    ...{ id, topic, acceptedAt, stored: object.stored === true },
    expiration: numberAt(object, 'expiration') ?? 0,
    priority: numberAt(object, 'priority') ?? 10,
    pushType: textAt(object, 'pushType') ?? 'alert',
    ...optional('collapseId', textAt(object, 'collapseId')),
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
