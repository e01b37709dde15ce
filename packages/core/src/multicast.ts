import { RECIPIENTS_PER_MESSAGE } from '@heliograph/protocol/limits'
import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import { type Notification, notificationIn, parseObject, queueText } from './notification.ts'

/**
 * A multicast: the notifications of one request to many devices that travel in one queue message,
 * which carries their common fields once. Each is a separate notification with its own id, seal and
 * end.
 */
export type Multicast = readonly Recipient[]

export interface Recipient {
  readonly notification: Notification
  /** How often the queue has handed it out in earlier messages. */
  readonly receives: number
}

/** The fields that differ for each recipient, in the order in which the message lists them. */
const own = ['id', 'uniqueId', 'seq', 'deviceId', 'tokenFingerprint', 'seal'] as const

/** The number of multicasts for this many recipients of one request. */
export function multicastsOf(recipients: readonly Recipient[]): Multicast[] {
  const count = Math.ceil(recipients.length / RECIPIENTS_PER_MESSAGE)
  return Array.from({ length: count }, (_, n) =>
    recipients.slice(n * RECIPIENTS_PER_MESSAGE, (n + 1) * RECIPIENTS_PER_MESSAGE),
  )
}

/** `{"topic",…,"payload","recipients":[["<id>",…,<receives>],…]}` */
export function serializeMulticast(multicast: Multicast): string {
  const recipients = multicast.map(({ notification, receives }) => [
    ...own.map((name) => notification[name]),
    receives,
  ])
  const none = Object.fromEntries(own.map((name) => [name, undefined]))
  return queueText({ ...multicast[0]?.notification, ...none, recipients })
}

/** The multicast in a queue message, or undefined if any part of it is not as accept writes it. */
export function parseMulticast(text: string): Multicast | undefined {
  const { recipients: rows, ...common } = parseObject(text) ?? {}
  if (!Array.isArray(rows) || rows.length > RECIPIENTS_PER_MESSAGE) return undefined
  const recipients = rows.flatMap((row) => recipientOf(common, row) ?? [])
  return recipients.length > 0 && recipients.length === rows.length ? recipients : undefined
}

function recipientOf(common: Record<string, unknown>, row: unknown): Recipient | undefined {
  if (!Array.isArray(row)) return undefined
  const values = Object.fromEntries(own.map((name, at) => [name, row[at]]))
  const notification = notificationIn({ ...common, ...values })
  const receives: unknown = row[own.length]
  return notification && isCount(receives) ? { notification, receives } : undefined
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < MAX_RECEIVES
}
