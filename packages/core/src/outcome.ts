import {
  parseDeviceId,
  parseNotificationId,
  parseSeq,
  parseTopic,
} from '@heliograph/protocol/identifiers'
import { type OutcomeKind, outcomeKinds } from '@heliograph/protocol/outcome'
import type { Notification } from './notification.ts'

/** What is logged, counted and kept; never the payload, never a whole token. */
export interface Outcome {
  readonly kind: OutcomeKind
  readonly id: string
  readonly uniqueId: string
  /** True if the provider chose the id, so other notifications may have the same one. */
  readonly idFromProvider: boolean
  readonly topic: string
  readonly deviceId: string
  readonly seq: string
  readonly tokenFingerprint: string
  readonly pushType: string
  readonly priority: number
  /** Milliseconds since the epoch, by the clock of accept. */
  readonly acceptedAt: number
  /** When this happened, milliseconds since the epoch. */
  readonly at: number
  /** Milliseconds from acceptance to this event. */
  readonly age: number
  /** The `apns-unique-id` of the newer notification that took its slot. */
  readonly replacedBy?: string
}

export function outcomeOf(
  kind: OutcomeKind,
  notification: Notification,
  nowMs: number,
  replacedBy?: Pick<Notification, 'uniqueId'>,
): Outcome {
  const { id, uniqueId, idFromProvider, topic, deviceId, seq } = notification
  const { tokenFingerprint, pushType, priority, acceptedAt } = notification
  const outcome: Outcome = {
    kind,
    id,
    uniqueId,
    idFromProvider,
    topic,
    deviceId,
    seq,
    tokenFingerprint,
    pushType,
    priority,
    acceptedAt,
    at: nowMs,
    age: Math.max(0, nowMs - acceptedAt),
  }
  return replacedBy ? { ...outcome, replacedBy: replacedBy.uniqueId } : outcome
}

export function serializeOutcomes(outcomes: readonly Outcome[]): string {
  return JSON.stringify(outcomes)
}

/** The outcomes in a queue message or row, or undefined if it contains anything else. */
export function parseOutcomes(text: string): readonly Outcome[] | undefined {
  const value = parseJson(text)
  return Array.isArray(value) && value.every(isOutcome) ? value : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== 'object' || value === null) return false
  const outcome: Partial<Record<keyof Outcome, unknown>> = value
  const { uniqueId, tokenFingerprint, pushType, replacedBy = '' } = outcome
  return (
    outcomeKinds.some((kind) => kind === outcome.kind) &&
    parseNotificationId(outcome.id) !== undefined &&
    parseTopic(outcome.topic) !== undefined &&
    parseDeviceId(outcome.deviceId) !== undefined &&
    parseSeq(outcome.seq) !== undefined &&
    typeof outcome.idFromProvider === 'boolean' &&
    [uniqueId, tokenFingerprint, pushType, replacedBy].every((text) => typeof text === 'string') &&
    [outcome.priority, outcome.acceptedAt, outcome.at, outcome.age].every(Number.isSafeInteger)
  )
}
