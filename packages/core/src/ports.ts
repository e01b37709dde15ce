import type {
  DeviceId,
  DeviceToken,
  Fingerprint,
  NotificationId,
  ProviderKeyId,
  Seq,
  TeamId,
  TokenKeyId,
  Topic,
} from '@heliograph/protocol/identifiers'
import type { Announcement } from '@heliograph/protocol/messages'
import type { DownTopic } from '@heliograph/protocol/mqtt-topic'
import type { Multicast } from './multicast.ts'
import type { Notification } from './notification.ts'
import type { Outcome } from './outcome.ts'

/** All that the rules ask of the world. Times are milliseconds since the epoch unless they say otherwise. */

export interface Clock {
  now(): number
}

/** Randomness and order. */
export interface Ids {
  /** A version 7 UUID, lower case: it says when it was made, so that receipts are found by it. */
  uuid(): string
  bytes(length: number): Uint8Array
  /** A ULID for this moment; later calls of one caller give greater ones. */
  seq(nowMs: number): Seq
}

export interface NotificationQueue {
  /** Resolves when the queue holds the notification durably. */
  send(notification: Notification, options?: QueueOptions): Promise<void>
  /**
   * Sends at most ten multicasts, and resolves to the notifications in them that the queue holds durably.
   * Those of one multicast differ in nothing but what a recipient has of its own (packages/core/src/multicast.ts).
   */
  sendMulticasts(
    multicasts: readonly Multicast[],
    options?: Pick<QueueOptions, 'delaySeconds'>,
  ): Promise<ReadonlySet<Notification>>
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

/** What came of a message that nobody acknowledges: `told` where it was sent to a connected device. */
export type Told = 'told' | Extract<Sent, 'offline' | 'busy' | 'refused'>

export interface Connections {
  /** Sends and waits for the device's acknowledgement (QoS 1), at most `patienceMs` (default 5,000). */
  send(deviceId: DeviceId, topic: DownTopic, message: string, patienceMs?: number): Promise<Sent>
  /**
   * Sends and waits for nothing (QoS 0). Every answer to a request goes this way: a device that
   * acknowledges nothing must not keep a function waiting. One that is lost the device asks for again.
   */
  tell(deviceId: DeviceId, topic: DownTopic, message: string): Promise<Told>
}

/** `coalesced`: a newer one was there. `replaced` is the older one this put displaced. */
export type Stored =
  | { readonly kept: true; readonly replaced?: Notification }
  | { readonly kept: false }

/**
 * The one slot per device and topic. All changes are conditional on the seq, so that the newest wins. A
 * row that accept has not made counts as absent, for all of them (`genuinePending`).
 */
export interface PendingNotifications {
  /** Keeps the notification unless a newer, unexpired one is there; the same seq again is kept. */
  put(notification: Notification, nowMs: number): Promise<Stored>
  find(deviceId: DeviceId, topic: Topic): Promise<Notification | undefined>
  list(deviceId: DeviceId): Promise<readonly Notification[]>
  /** Removes the slot if it still holds this seq; says whether it did. */
  remove(deviceId: DeviceId, topic: Topic, seq: Seq): Promise<boolean>
}

/** What lies under the key of a slot, whoever wrote it. */
export interface SlotRow {
  /** Undefined where the row cannot be read, or says something else than the notification in it. */
  readonly notification: Notification | undefined
  /** The table's own; for `SlotTable.put`. */
  readonly version: unknown
}

export type StoredRow =
  | { readonly kept: true; readonly replaced?: SlotRow }
  | { readonly kept: false }

/** The slots as they lie in their table, which others than this service may have written. */
export interface SlotTable {
  /** As `PendingNotifications.put`; `despite` a row that does not count, if that is still the one there. */
  put(notification: Notification, nowMs: number, despite?: SlotRow): Promise<StoredRow>
  find(deviceId: DeviceId, topic: Topic): Promise<SlotRow | undefined>
  list(deviceId: DeviceId): Promise<readonly SlotRow[]>
  remove: PendingNotifications['remove']
}

export interface Registration {
  readonly deviceId: DeviceId
  readonly topic: Topic
  readonly live: boolean
  /** When it last became live. */
  readonly registeredAt: number
  /** When it last became dead; what a 410 carries. A dead one without it has never lived. */
  readonly unregisteredAt?: number
  /** Equal to `unregisteredAt` where it was not the device that ended it, but the operator. */
  readonly expiredAt?: number
}

export type RegistrationKey = Pick<Registration, 'deviceId' | 'topic'>

export interface Registrations {
  find(deviceId: DeviceId, topic: Topic): Promise<Registration | undefined>
  /** Several at once, in the order of the keys, no two of which are the same. */
  findAll(keys: readonly RegistrationKey[]): Promise<readonly (Registration | undefined)[]>
  list(deviceId: DeviceId): Promise<readonly Registration[]>
  /**
   * Notes a dead registration that has never lived, where there is none: any request makes it live,
   * whatever its time, and `list` gives it, so that a revocation ends it. Changes nothing else.
   */
  reserve(deviceId: DeviceId, topic: Topic, at: number): Promise<void>
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

/** A token that has died: its provider must learn which, so that it sends to it no more. */
export interface DeadTokenEntry {
  readonly reason: 'Unregistered'
  readonly timestamp: number
  readonly token: DeviceToken
}

/** A notification that came to nothing. Its token lives, so it is known by its id only. */
export interface LostNotificationEntry {
  readonly reason: 'Expired' | 'Undeliverable'
  readonly timestamp: number
  readonly id: NotificationId
}

export type FeedbackEntry = DeadTokenEntry | LostNotificationEntry

/** An entry with its place in the topic's log: `entry` is the ULID of the moment of writing, the sort key. */
export type FeedbackRow = FeedbackEntry & { readonly entry: Seq }

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

/** The public half of a key that a team signs provider tokens with, and what it may send. */
export interface ProviderKey {
  readonly keyId: ProviderKeyId
  readonly teamId: TeamId
  readonly topics: readonly Topic[]
  /** SubjectPublicKeyInfo of a P-256 key, DER in base64. */
  readonly publicKey: string
  readonly createdAt: number
  readonly revokedAt?: number
}

export interface ProviderKeys {
  find(keyId: ProviderKeyId): Promise<ProviderKey | undefined>
  /** True when at least one key that is not revoked names the topic. */
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

/** A token key as it is kept: wrapped by KMS, so that reading the table opens no token. */
export interface WrappedKey {
  readonly id: TokenKeyId
  readonly createdAt: number
  readonly retiredAt?: number
  /** KMS ciphertext of the 64 bytes. */
  readonly wrapped: Uint8Array
}

export interface TokenKeyStore {
  list(): Promise<readonly WrappedKey[]>
  /** Makes 64 random bytes in KMS and keeps them wrapped; the plain key never leaves KMS here. */
  create(id: TokenKeyId, createdAt: number): Promise<void>
  retire(id: TokenKeyId, at: number): Promise<void>
}

/** The live token keys, the primary one first. */
export interface TokenKeyRing {
  keys(): Promise<readonly TokenKey[]>
  /** Reads the ring again where it may have changed; limited in rate, so it may return what `keys` did. */
  refreshed(): Promise<readonly TokenKey[]>
}

/** Remembers which accepted notification an apns-id of a provider stands for, per device and topic. */
export interface Claims {
  /** The seq that holds the claim after this call: the caller's own, or that of an earlier one. */
  claim(notification: Pick<Notification, 'id' | 'deviceId' | 'topic' | 'seq'>): Promise<Seq>
}

/** Hears of every outcome at the moment that it happens; never fails, and keeps nobody waiting. */
export interface Outcomes {
  record(outcome: Outcome): void
  /** Of one kind and topic, at least one: the same as to record each, in fewer words. */
  recordTogether(outcomes: readonly Outcome[]): void
}

/** A device token that nothing is sent to any more. */
export interface DeadToken {
  readonly topic: Topic
  readonly token: DeviceToken
  /** Since when, milliseconds since the epoch. */
  readonly at: number
}

/** Hears of every token that dies, after its providers can learn it; never fails, and keeps nobody waiting. */
export interface DeadTokens {
  record(dead: DeadToken): void
}

/** Carries what subscribers are to hear to where it is published, off the way of a notification. */
export interface AnnouncementQueue {
  /** Resolves when the queue holds them all durably. */
  send(announcements: readonly Announcement[]): Promise<void>
}

/** Where subscribers hear of events. */
export interface EventTopic {
  /** Publishes them; those that were not taken are returned, in no order. Throws where nothing was asked. */
  publish(announcements: readonly Announcement[]): Promise<readonly Announcement[]>
}

/** Carries outcomes to where receipts are kept, off the way of a notification. */
export interface OutcomeQueue {
  /** Resolves when the queue holds them all durably. */
  send(outcomes: readonly Outcome[]): Promise<void>
}

/** What became of notifications, kept for a number of days. */
export interface Receipts {
  /** Keeps the outcomes; the same again is kept once. */
  write(outcomes: readonly Outcome[]): Promise<void>
  /**
   * Every outcome of the notifications with this `apns-id` or `apns-unique-id`, in whatever letter case and
   * in no order. Of an `apns-id` that a provider uses for many, those of the newest `MAX_NAMESAKES`.
   */
  find(id: NotificationId): Promise<readonly Outcome[]>
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

export interface DeviceCertificate {
  /** IoT Core's id of the certificate: SHA-256 of its DER, hex. */
  readonly certificateId: string
  /** SHA-256 of the public key, hex. */
  readonly keyHash: string
  /** PEM. */
  readonly certificate: string
  readonly notAfter: number
  /** IoT Core knows it as this device's: whoever asks again gets it without another step. */
  readonly admitted?: boolean
}

export interface Renewal {
  /** SHA-256 of the public key that asked for it, hex. */
  readonly keyHash: string
  readonly startedAt: number
}

/** A device as the service keeps it. */
export interface DeviceRecord {
  readonly deviceId: DeviceId
  readonly activatedAt: number
  readonly revokedAt?: number
  /** The latest renewal that was begun, whatever came of it. */
  readonly renewal?: Renewal
  /** Newest first, at most `MAX_CERTIFICATES`; more than one while a renewal is under way. */
  readonly certificates: readonly DeviceCertificate[]
}

export interface Devices {
  find(deviceId: DeviceId): Promise<DeviceRecord | undefined>
  /**
   * Adds the certificate to the device, which is made where it is new; the same key is kept once.
   * Throws where the device is revoked or has `MAX_CERTIFICATES`.
   */
  addCertificate(
    deviceId: DeviceId,
    certificate: DeviceCertificate,
    nowMs: number,
  ): Promise<DeviceRecord>
  /** Notes that IoT Core knows the certificate; returns the device as it is then. */
  confirmCertificate(deviceId: DeviceId, certificateId: string): Promise<DeviceRecord | undefined>
  forgetCertificates(deviceId: DeviceId, certificateIds: readonly string[]): Promise<void>
  /** Notes a renewal unless the device is revoked or has begun another since `previous`; says whether it did. */
  beginRenewal(
    deviceId: DeviceId,
    renewal: Renewal,
    previous: Renewal | undefined,
  ): Promise<boolean>
}

/** A code that was handed out. */
export interface ActivationCode {
  readonly codeHash: string
  readonly expiresAt: number
  /** One code for many devices; local use only. */
  readonly reusable: boolean
  /** What it has been used for. A reusable one has no such thing. */
  readonly boundTo?: { readonly keyHash: string; readonly deviceId: DeviceId }
}

export interface Activations {
  find(codeHash: string): Promise<ActivationCode | undefined>
  /**
   * Binds the code to this key and device id, exactly once under concurrent use. The same key gets
   * the same device again, so that a lost answer can be asked for once more; another key gets nothing.
   */
  redeem(code: ActivationCode, keyHash: string, candidate: DeviceId): Promise<DeviceId | undefined>
}

/** Certificates that may be issued in a second are fewer than codes that can come in one. */
export interface Pace {
  /** Takes a place in the line: 0 = now, otherwise after how many seconds to ask again. */
  take(nowMs: number): Promise<number>
}

/** A CA's key; it stays in KMS. */
export interface SigningKey {
  readonly algorithm: 'ECDSA-P256' | 'RSA-2048'
  /** ECDSA signatures come as DER, as KMS gives them. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** A CA's key, with what its first certificate is made of. */
export interface AuthorityKey extends SigningKey {
  readonly arn: string
  /** SubjectPublicKeyInfo, DER. */
  publicKey(): Promise<Uint8Array>
}

/** IoT Core's registry. Every call may be repeated after a lost answer. */
export interface DeviceRegistry {
  /**
   * Registers the certificate, makes the thing unless it exists, attaches both and the policy. It lets
   * nobody in before the last step; where one fails, the repeat goes on with the same certificate.
   * Throws where the certificate belongs to another device.
   */
  admit(deviceId: DeviceId, certificate: string): Promise<void>
  /**
   * Makes a certificate useless for good, then detaches it: as long as it is attached, something may
   * be left to do. One that the registry does not know is retired already.
   */
  retire(deviceId: DeviceId, certificateId: string): Promise<void>
}

/** A device on record and the certificates in its record. */
export interface FleetDevice {
  readonly deviceId: DeviceId
  readonly certificateIds: readonly string[]
}

/** What a stage has in the device registry. Every call may be repeated. */
export interface Fleet {
  /** Some of what holds the stage's policy; none when nothing does. */
  holders(): Promise<readonly string[]>
  /** Takes the policy from a holder, and removes it with its things where it is the stage's own. */
  release(holder: string): Promise<boolean>
  /** Some devices on record, those after `after`; `next` where there are more. */
  devices(
    after?: string,
  ): Promise<{ readonly some: readonly FleetDevice[]; readonly next?: string }>
  /** Removes what is left of a device: its thing and the certificates on its record. */
  remove(device: FleetDevice): Promise<void>
  /** False while something holds the policy, or did a moment ago. */
  removePolicy(): Promise<boolean>
}
