import type {
  DeviceId,
  DeviceToken,
  Fingerprint,
  NotificationId,
  Seq,
  TokenKeyId,
  Topic,
} from './identifiers.ts'
import type { Notification } from './notification.ts'
import type { Outcome } from './outcome.ts'

/** All that the rules ask of the world. Times are milliseconds since the epoch unless they say otherwise. */

export interface Clock {
  now(): number
}

/** Randomness and order. */
export interface Ids {
  /** A version 4 UUID, lower case. */
  uuid(): string
  bytes(length: number): Uint8Array
  /** A ULID for this moment; later calls of one caller give greater ones. */
  seq(nowMs: number): Seq
}

export interface NotificationQueue {
  /** Resolves when the queue holds the notification durably. */
  send(notification: Notification, options?: QueueOptions): Promise<void>
}

export interface QueueOptions {
  readonly delaySeconds?: number
  /** The notification is in its slot: deliver shall only try the slot again. */
  readonly slotOnly?: boolean
}

/**
 * What came of a direct message. `acknowledged`: the device took it over. `offline`: not connected.
 * `unconfirmed`: connected, no acknowledgement in time, so it may or may not have it. `busy`:
 * throttled or failed, try later. `refused`: this device may not receive, or the message is unfit.
 */
export type Sent = 'acknowledged' | 'offline' | 'unconfirmed' | 'busy' | 'refused'

export const downTopics = {
  token: 'heliograph/token',
  connected: 'heliograph/connected',
  notification: 'heliograph/notification',
  certificate: 'heliograph/certificate',
  error: 'heliograph/error',
} as const

export type DownTopic = (typeof downTopics)[keyof typeof downTopics]

export interface Connections {
  send(deviceId: DeviceId, topic: DownTopic, message: string): Promise<Sent>
}

/** `coalesced`: a newer one was there. `replaced` is the older one this put displaced. */
export type Stored =
  | { readonly kept: true; readonly replaced?: Notification }
  | { readonly kept: false }

/** The one slot per device and topic. All changes are conditional on the seq, so that the newest wins. */
export interface PendingNotifications {
  /** Keeps the notification unless a newer, unexpired one is there; the same seq again is kept. */
  put(notification: Notification, nowMs: number): Promise<Stored>
  find(deviceId: DeviceId, topic: Topic): Promise<Notification | undefined>
  list(deviceId: DeviceId): Promise<readonly Notification[]>
  /** Removes the slot if it still holds this seq; says whether it did. */
  remove(deviceId: DeviceId, topic: Topic, seq: Seq): Promise<boolean>
}

export interface Registration {
  readonly deviceId: DeviceId
  readonly topic: Topic
  readonly live: boolean
  /** When it last became live. */
  readonly registeredAt: number
  /** When it last became dead; what a 410 carries. */
  readonly unregisteredAt?: number
  /** Equal to `unregisteredAt` where it was not the device that ended it, but the operator. */
  readonly expiredAt?: number
}

export interface Registrations {
  find(deviceId: DeviceId, topic: Topic): Promise<Registration | undefined>
  list(deviceId: DeviceId): Promise<readonly Registration[]>
  /**
   * Makes the registration live or dead as of `at`, unless a later request was there first; of two
   * in one millisecond the one for live wins. Requests come in any order and more than once, so one
   * counts also where it changes nothing: an older one then comes too late. Returns what holds now;
   * throws where there is no registration to end.
   */
  change(deviceId: DeviceId, topic: Topic, live: boolean, at: number): Promise<Registration>
  /**
   * Ends the registration for good, for a revoked device: no request makes it live again, whatever
   * its time. A live one dies at `at`, or just after it was registered where that is later; a dead
   * one keeps its time. Returns what holds now; throws where there is no registration.
   */
  revoke(deviceId: DeviceId, topic: Topic, at: number): Promise<Registration>
}

export interface FeedbackEntry {
  readonly token: DeviceToken
  readonly timestamp: number
  readonly reason: FeedbackReason
  /** The notification, where the entry is about one. */
  readonly id?: NotificationId
}

export type FeedbackReason = 'Unregistered' | 'Expired' | 'Undeliverable'

/** An entry with its place in the topic's log. */
export interface FeedbackRow extends FeedbackEntry {
  /** ULID of the moment of writing; the sort key. */
  readonly entry: Seq
}

export interface Feedback {
  /** Writes once per `cause`, even when called again after a lost answer. */
  write(topic: Topic, cause: string, entry: FeedbackEntry): Promise<void>
  /** Rows whose `entry` is greater than `after`, oldest first, at most `limit`. */
  read(topic: Topic, after: Seq | undefined, limit: number): Promise<readonly FeedbackRow[]>
}

/** What was recorded when a provider certificate was issued, and since. */
export interface ProviderRecord {
  readonly fingerprint: Fingerprint
  readonly topics: readonly Topic[]
  readonly serial: string
  readonly subject: string
  readonly notBefore: number
  readonly notAfter: number
  readonly issuedAt: number
  readonly revokedAt?: number
  readonly revocationReason?: string
}

export interface Providers {
  find(fingerprint: Fingerprint): Promise<ProviderRecord | undefined>
  /** True when at least one issued certificate names the topic. */
  knowsTopic(topic: Topic): Promise<boolean>
}

/** A CA of this deployment; its key stays in KMS. */
export interface Authority {
  readonly name: 'provider' | 'device'
  /** PEM. */
  readonly certificate: string
  readonly keyArn: string
}

export interface Authorities {
  find(name: Authority['name']): Promise<Authority | undefined>
}

export type TokenKeyState = 'primary' | 'accepted' | 'retired'

export interface TokenKey {
  readonly id: TokenKeyId
  readonly state: TokenKeyState
  readonly createdAt: number
  /** When it stopped being primary. */
  readonly replacedAt?: number
  /** 64 bytes, AES-256-SIV. */
  readonly key: Uint8Array
}

/** The live token keys, the primary one first. */
export interface TokenKeyRing {
  keys(): Promise<readonly TokenKey[]>
  /** Reads the ring again where it may have changed; limited in rate, so it may return what `keys` did. */
  refreshed(): Promise<readonly TokenKey[]>
}

/** Remembers which accepted notification an apns-id of a provider stands for. */
export interface Claims {
  /** The seq that holds the claim after this call: the caller's own, or that of an earlier one. */
  claim(id: NotificationId, token: DeviceToken, seq: Seq): Promise<Seq>
}

export interface Outcomes {
  record(outcome: Outcome): void
}

/** The object that API Gateway checks client certificates against. */
export interface Truststore {
  /** Puts the PEM bundle and returns the version of the object. */
  put(pem: string): Promise<{ readonly key: string; readonly version: string }>
  /** The version that is there, if any. */
  current(): Promise<{ readonly key: string; readonly version: string } | undefined>
  /** Removes every version, so that the bucket can be deleted. */
  clear(): Promise<void>
}
