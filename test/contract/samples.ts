import { randomBytes, randomUUID } from 'node:crypto'
import type { IsGenuine } from '@heliograph/core/delivery/seal'
import { deviceIdFromBytes } from '@heliograph/core/device-id'
import type { Notification } from '@heliograph/core/notification'
import type { Clock } from '@heliograph/core/ports'
import type {
  DeviceId,
  DeviceToken,
  NotificationId,
  Seq,
  Topic,
} from '@heliograph/protocol/identifiers'
import { ulid } from 'ulid'

export const now = Date.parse('2030-01-01T00:00:00Z')

/** The clock of the ports; a test may set it. */
export class SetClock implements Clock {
  time = now
  now(): number {
    return this.time
  }
}

export const topicA = 'com.example.a' as Topic
export const topicB = 'com.example.b' as Topic

/** A device that no other test knows. */
export function newDevice(): DeviceId {
  return deviceIdFromBytes(new Uint8Array(randomBytes(10)))
}

/** The seq of something accepted at that time; a greater time is newer. */
export function seqAt(ms: number): Seq {
  return ulid(ms) as Seq
}

export function newToken(): DeviceToken {
  return randomBytes(32).toString('hex') as DeviceToken
}

/** A notification for a new device that expires in an hour; `changes` make it another. */
export function notification(changes: Partial<Notification> = {}): Notification {
  return {
    id: randomUUID() as NotificationId,
    uniqueId: randomUUID(),
    idFromProvider: false,
    seq: seqAt(now),
    deviceId: newDevice(),
    topic: topicA,
    tokenFingerprint: randomBytes(6).toString('hex'),
    acceptedAt: now,
    expiration: now / 1000 + 3600,
    priority: 10,
    pushType: 'alert',
    payload: '{"aps":{"alert":"hello"}}',
    seal: '',
    ...changes,
  }
}

/** Of a notification that accept has not made, in a world without token keys. */
export const FORGED_SEAL = 'F'.repeat(22)

export const isGenuine: IsGenuine = async ({ seal }) => seal !== FORGED_SEAL

/** The same addressee again, some milliseconds later. */
export function later(older: Notification, ms = 1, changes: Partial<Notification> = {}) {
  const { deviceId, topic, tokenFingerprint, acceptedAt } = older
  const at = acceptedAt + ms
  return notification({
    deviceId,
    topic,
    tokenFingerprint,
    acceptedAt: at,
    seq: seqAt(at),
    ...changes,
  })
}
