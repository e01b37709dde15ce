import { hash } from 'node:crypto'
import type { ChannelId, NotificationId, Seq, Topic } from '@heliograph/protocol/identifiers'
import { MAX_STORED_SECONDS } from '@heliograph/protocol/limits'
import type { BroadcastMessage } from '@heliograph/protocol/messages'
import type { Priority } from '@heliograph/protocol/priority'
import type { Reason } from '@heliograph/protocol/rejection'
import type { StoragePolicy } from '@heliograph/protocol/storage-policy'

/** A notification for everyone who has joined a channel. */
export interface Broadcast {
  readonly id: NotificationId
  /** Generated for every broadcast; the key for searching the log (`apns-unique-id`). */
  readonly uniqueId: string
  readonly channel: ChannelId
  readonly topic: Topic
  readonly seq: Seq
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** UNIX seconds until which it is stored; 0 = not stored. */
  readonly expiration: number
  readonly priority: Priority
  /** The JSON text byte for byte as the provider sent it. */
  readonly payload: string
}

/** What a broker is told of a broadcast beside its message. */
export type BroadcastKey = Pick<Broadcast, 'topic' | 'channel' | 'seq'>

/**
 * What became of a request to publish, for the log and the metrics; never the payload, never a whole
 * channel id. There are no receipts and no feedback: nobody knows who hears a broadcast.
 */
export interface BroadcastOutcome {
  readonly kind: 'published' | 'refused'
  readonly id: string
  /** Only of one that was published, as are those below up to `reason`. */
  readonly uniqueId?: string
  readonly topic?: string
  /** See `channelFingerprint`. */
  readonly channel?: string
  readonly seq?: string
  readonly priority?: number
  readonly expiration?: number
  /** Of the payload, UTF-8. */
  readonly bytes?: number
  /** Why it was refused. */
  readonly reason?: Reason
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** 12 hex digits that tell channels apart in a log without giving away how to join one. */
export function channelFingerprint(channel: ChannelId): string {
  return hash('sha256', channel).slice(0, 12)
}

export function publishedOutcome(broadcast: Broadcast, at: number): BroadcastOutcome {
  const { id, uniqueId, topic, channel, seq, priority, expiration, payload } = broadcast
  return {
    kind: 'published',
    ...{ id, uniqueId, topic, channel: channelFingerprint(channel), seq, priority, expiration },
    ...{ bytes: Buffer.byteLength(payload), at },
  }
}

/**
 * The message that devices receive on the channel's topic. The payload is inserted as text, at the
 * end, as in `deviceMessage` (packages/core/src/notification.ts).
 */
export function broadcastText(broadcast: Broadcast): string {
  const { id, uniqueId, channel, topic, seq, acceptedAt, expiration, priority } = broadcast
  const head: Omit<BroadcastMessage, 'payload'> = {
    id,
    uniqueId,
    channel,
    topic,
    seq,
    acceptedAt,
    expiration,
    priority,
    pushType: 'liveactivity',
  }
  return `${JSON.stringify(head).slice(0, -1)},"payload":${broadcast.payload}}`
}

/**
 * Until when a broadcast is stored, UNIX seconds; 0 = not at all, `fault` if the channel cannot do
 * what was asked for. Apple: a channel without storage takes no expiration other than 0, and one with
 * storage keeps a broadcast for at most 8 hours, which is also what it does if there is no
 * expiration.
 */
export function storedUntil(
  policy: StoragePolicy,
  asked: number | undefined,
  nowMs: number,
): number | { readonly fault: string } {
  // -0 would be written as 0, but is not one to everybody
  if (asked === 0) return 0
  const now = Math.floor(nowMs / 1000)
  if (policy === 0)
    return asked === undefined
      ? 0
      : { fault: 'this channel stores nothing: apns-expiration must be 0 or absent' }
  if (asked !== undefined && asked <= now)
    return { fault: 'apns-expiration has passed: nobody would receive the broadcast' }
  return Math.min(asked ?? Number.POSITIVE_INFINITY, now + MAX_STORED_SECONDS)
}
