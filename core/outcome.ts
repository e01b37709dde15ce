import { hash } from 'node:crypto'
import type { DeviceToken } from './identifiers.ts'
import type { Notification } from './notification.ts'

/** Every event in the life of an accepted notification; all but the first two kinds end it. */
export const outcomeKinds = [
  'accepted',
  'stored',
  'delivered',
  'drained',
  'coalesced',
  'expired',
  'unregistered',
  'undeliverable',
  'duplicate',
  'dead-lettered',
] as const

export type OutcomeKind = (typeof outcomeKinds)[number]

/** What is logged and counted; never the payload, never a whole token. */
export interface Outcome {
  readonly kind: OutcomeKind
  readonly id: string
  readonly uniqueId: string
  readonly topic: string
  readonly deviceId: string
  readonly seq: string
  readonly tokenFingerprint: string
  /** Milliseconds from acceptance to this event. */
  readonly age: number
}

/** 12 hex digits that tell tokens apart in a log without giving one away. */
export function tokenFingerprint(token: DeviceToken): string {
  return hash('sha256', token).slice(0, 12)
}

export function outcomeOf(kind: OutcomeKind, notification: Notification, nowMs: number): Outcome {
  const { id, uniqueId, topic, deviceId, seq, token, acceptedAt } = notification
  const age = Math.max(0, nowMs - acceptedAt)
  return {
    kind,
    id,
    uniqueId,
    topic,
    deviceId,
    seq,
    tokenFingerprint: tokenFingerprint(token),
    age,
  }
}
