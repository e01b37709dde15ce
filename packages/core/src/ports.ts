import type {
  ChannelId,
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
import type { StoragePolicy } from '@heliograph/protocol/storage-policy'
import type { BroadcastKey, BroadcastOutcome } from './channels/broadcast.ts'
import type { SlotName } from './delivery/slot-name.ts'
import type { Multicast } from './multicast.ts'
import type { Notification } from './notification.ts'
import type { Outcome } from './outcome.ts'

/**
 * Everything that the rules need from outside. Times are milliseconds since the epoch unless stated
 * otherwise.
 */

export interface Clock {
  now(): number
}

/** Randomness and order. */
export interface Ids {
  /**
   * A version 7 UUID, lower case: it contains the time at which it was made, by which receipts are
   * found.
   */
  uuid(): string
  bytes(length: number): Uint8Array
  /** A ULID for this moment; later calls by the same caller return greater ones. */
  seq(nowMs: number): Seq
}

export interface NotificationQueue {
  /** Resolves when the queue holds the notification durably. */
  send(notification: Notification, options?: QueueOptions): Promise<void>
  /**
   * Sends at most ten multicasts, and resolves to the notifications in them that the queue holds
   * durably. Those of one multicast differ only in the recipient's own fields
   * (packages/core/src/multicast.ts).
   */
  sendMulticasts(
    multicasts: readonly Multicast[],
    options?: Pick<QueueOptions, 'delaySeconds'>,
  ): Promise<ReadonlySet<Notification>>
}

export interface QueueOptions {
  readonly delaySeconds?: number
  /** The notification is in its slot: deliver should only try the slot again. */
  readonly slotOnly?: boolean
}

/**
 * The result of a direct message. `acknowledged`: the device took it over. `offline`: not
 * connected. `unconfirmed`: connected, but no acknowledgement in time, so the device may or may not
 * have it. `busy`: throttled or failed; try later. `refused`: this device may not receive, or the
 * message is invalid.
 */
export type Sent = 'acknowledged' | 'offline' | 'unconfirmed' | 'busy' | 'refused'

/**
 * The result of a message that is not acknowledged: `told` if it was sent to a connected device.
 */
export type Told = 'told' | Extract<Sent, 'offline' | 'busy' | 'refused'>

export interface Connections {
  /** Sends and waits for the device's acknowledgement (QoS 1), at most `patienceMs` (default 5,000). */
  send(deviceId: DeviceId, topic: DownTopic, message: string, patienceMs?: number): Promise<Sent>
  /**
   * Sends without waiting (QoS 0). Every answer to a request is sent this way: a device that
   * acknowledges nothing must not keep a function waiting. If an answer is lost, the device asks
   * again.
   */
  tell(deviceId: DeviceId, topic: DownTopic, message: string): Promise<Told>
}

/** `coalesced`: a newer one was there. `replaced` is the older one this put displaced. */
export type Stored =
  | { readonly kept: true; readonly replaced?: Notification }
  | { readonly kept: false }

/**
 * The slots of a device: one per topic, or one per collapse id of a topic (`slotName`). All changes
 * are conditional on the seq, so that the newest wins. For all of them, a row that does not come
 * from accept counts as absent (`genuinePending`).
 */
export interface PendingNotifications {
  /**
   * Stores the notification in its slot unless a newer, unexpired one is there; storing the same seq
   * again succeeds.
   */
  put(notification: Notification, nowMs: number): Promise<Stored>
  find(deviceId: DeviceId, slot: SlotName): Promise<Notification | undefined>
  /** In no particular order, as with `listOf`. */
  list(deviceId: DeviceId): Promise<readonly Notification[]>
  /** Those of one topic, in all of its slots. */
  listOf(deviceId: DeviceId, topic: Topic): Promise<readonly Notification[]>
  /** Removes the slot if it still holds this seq; returns whether it did. */
  remove(deviceId: DeviceId, slot: SlotName, seq: Seq): Promise<boolean>
}

/** The row under the key of a slot, whoever wrote it. */
export interface SlotRow {
  /** Undefined if the row cannot be read, or contradicts the notification in it. */
  readonly notification: Notification | undefined
  /** The table's own; for `SlotTable.put`. */
  readonly version: unknown
}

export type StoredRow =
  | { readonly kept: true; readonly replaced?: SlotRow }
  | { readonly kept: false }

/** The slots as they are in their table, which others than this service may have written. */
export interface SlotTable {
  /**
   * Like `PendingNotifications.put`, but replaces the row `despite`, which does not count, if it is
   * still there.
   */
  put(notification: Notification, nowMs: number, despite?: SlotRow): Promise<StoredRow>
  find(deviceId: DeviceId, slot: SlotName): Promise<SlotRow | undefined>
  list(deviceId: DeviceId): Promise<readonly SlotRow[]>
  listOf(deviceId: DeviceId, topic: Topic): Promise<readonly SlotRow[]>
  remove: PendingNotifications['remove']
}

export interface Registration {
  readonly deviceId: DeviceId
  readonly topic: Topic
  readonly live: boolean
  /** When it last became live. */
  readonly registeredAt: number
  /** When it last became dead: the timestamp in a 410. A dead one without it was never live. */
  readonly unregisteredAt?: number
  /** Equal to `unregisteredAt` if the operator ended it and not the device. */
  readonly expiredAt?: number
}

export type RegistrationKey = Pick<Registration, 'deviceId' | 'topic'>

export interface Registrations {
  find(deviceId: DeviceId, topic: Topic): Promise<Registration | undefined>
  /** Several at once, in the order of the keys, which must all differ. */
  findAll(keys: readonly RegistrationKey[]): Promise<readonly (Registration | undefined)[]>
  list(deviceId: DeviceId): Promise<readonly Registration[]>
  /**
   * Creates a dead registration that was never live, if there is none: any request makes it live,
   * whatever its time, and `list` returns it, so that a revocation ends it. Changes nothing else.
   */
  reserve(deviceId: DeviceId, topic: Topic, at: number): Promise<void>
  /**
   * Makes the registration live or dead as of `at`, unless a later request came first; of two in
   * the same millisecond, the one for live wins. Requests come in any order and more than once, so
   * a request counts even if it changes nothing: an older one then comes too late. Returns the
   * current registration; throws if there is no registration to end.
   */
  change(deviceId: DeviceId, topic: Topic, live: boolean, at: number): Promise<Registration>
  /**
   * Permanently ends the registration of a revoked device: no request makes it live again, whatever
   * its time. A live one dies at `at`, or just after it was registered if that is later; a dead one
   * keeps its time. Returns the current registration; throws if there is none.
   */
  revoke(deviceId: DeviceId, topic: Topic, at: number): Promise<Registration>
}

/** A token that has died: its provider must learn which one, so that it stops sending to it. */
export interface DeadTokenEntry {
  readonly reason: 'Unregistered'
  readonly timestamp: number
  readonly token: DeviceToken
}

/** A notification that was not delivered. Its token is still live, so only its id is given. */
export interface LostNotificationEntry {
  readonly reason: 'Expired' | 'Undeliverable'
  readonly timestamp: number
  readonly id: NotificationId
}

export type FeedbackEntry = DeadTokenEntry | LostNotificationEntry

/** An entry with its place in the topic's log: `entry` is the ULID of the moment of writing, the sort key. */
export type FeedbackRow = FeedbackEntry & { readonly entry: Seq }

export interface Feedback {
  /** Writes once per `cause`, even if called again after a lost answer. */
  write(topic: Topic, cause: string, entry: FeedbackEntry): Promise<void>
  /** Rows whose `entry` is greater than `after`, oldest first, at most `limit`. */
  read(topic: Topic, after: Seq | undefined, limit: number): Promise<readonly FeedbackRow[]>
}

/** What was recorded when a provider certificate was issued, and afterward. */
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
  /** True if at least one issued certificate names the topic. */
  knowsTopic(topic: Topic): Promise<boolean>
}

/**
 * The public half of a key with which a team signs provider tokens, and the topics that it may send
 * to.
 */
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
  /** True if at least one key that is not revoked names the topic. */
  knowsTopic(topic: Topic): Promise<boolean>
}

/** A CA of this deployment; its key stays in KMS. */
export interface Authority {
  readonly name: 'provider' | 'device'
  /** PEM. */
  readonly certificate: string
  readonly keyArn: string
  /** PEM of the same CA of deployments that moved here: what they issued and is on record counts, and nothing new is issued. */
  readonly others?: readonly string[]
}

export interface Authorities {
  find(name: Authority['name']): Promise<Authority | undefined>
}

export type TokenKeyState = 'primary' | 'accepted' | 'retired'

export interface TokenKey {
  readonly id: TokenKeyId
  readonly state: TokenKeyState
  readonly createdAt: number
  /** When it stopped being the primary key. */
  readonly replacedAt?: number
  /** 64 bytes, AES-256-SIV. */
  readonly key: Uint8Array
}

/** A token key as it is stored: wrapped by KMS, so that reading the table opens no token. */
export interface WrappedKey {
  readonly id: TokenKeyId
  readonly createdAt: number
  readonly retiredAt?: number
  /** KMS ciphertext of the 64 bytes. */
  readonly wrapped: Uint8Array
}

export interface TokenKeyStore {
  list(): Promise<readonly WrappedKey[]>
  /** Generates 64 random bytes in KMS and stores them wrapped; the plain key does not leave KMS. */
  create(id: TokenKeyId, createdAt: number): Promise<void>
  retire(id: TokenKeyId, at: number): Promise<void>
}

/** The live token keys, the primary one first. */
export interface TokenKeyRing {
  keys(): Promise<readonly TokenKey[]>
  /**
   * Reads the ring again if it may have changed; rate limited, so it may return the same as `keys`.
   */
  refreshed(): Promise<readonly TokenKey[]>
}

/** Remembers which accepted notification a provider's apns-id belongs to, per device and topic. */
export interface Claims {
  /** The seq that holds the claim after this call: the caller's own, or that of an earlier one. */
  claim(notification: Pick<Notification, 'id' | 'deviceId' | 'topic' | 'seq'>): Promise<Seq>
}

/** Is told about every outcome when it happens; never fails, and never makes the caller wait. */
export interface Outcomes {
  record(outcome: Outcome): void
  /**
   * At least one, all of the same kind and topic: the same as recording each one, with fewer log
   * lines.
   */
  recordTogether(outcomes: readonly Outcome[]): void
}

/** A device token to which nothing is sent any more. */
export interface DeadToken {
  readonly topic: Topic
  readonly token: DeviceToken
  /** Since when, milliseconds since the epoch. */
  readonly at: number
}

/**
 * Is told about every token that dies, once its providers can learn about it; never fails, and
 * never makes the caller wait.
 */
export interface DeadTokens {
  record(dead: DeadToken): void
}

/** A channel on record. */
export interface Channel {
  readonly id: ChannelId
  /** The app's bundle id, whose providers may publish. */
  readonly topic: Topic
  readonly storagePolicy: StoragePolicy
  readonly createdAt: number
}

/**
 * The channels of each topic. A channel is looked up with its topic, so that an id of another topic
 * is as unknown as one that nobody has.
 */
export interface Channels {
  /** False if the topic has `MAX_CHANNELS`, closed ones included. Throws if the id is taken. */
  create(channel: Channel): Promise<boolean>
  /** Read consistently; undefined if there is none or it is closed. */
  find(topic: Topic, id: ChannelId): Promise<Channel | undefined>
  /**
   * Every channel of the topic that is not closed, in no particular order. What was returned never
   * changes, and while nothing else does it may be returned again.
   */
  list(topic: Topic): Promise<readonly ChannelId[]>
  /**
   * The first step of a deletion, which may be repeated: from now on the channel is not found, and no
   * id is given out twice. Returns whether there was one, closed or not.
   */
  close(topic: Topic, id: ChannelId): Promise<boolean>
  /** The last step: a closed channel no longer counts. Does nothing if there is none. */
  forget(topic: Topic, id: ChannelId): Promise<void>
}

/** `busy`: the broker took nothing, because it has too much to do; send it again later. */
export type Broadcasting = 'published' | 'busy'

/** The broker, as far as channels need it: topics `channelTopic(id)`, QoS 1. */
export interface Broadcasts {
  /**
   * Publishes to whoever is subscribed, and resolves once the broker has it. Throws if that is not
   * known. `storedUntil` (UNIX seconds): up to then, and never after, it is also the retained message
   * of the channel's topic, in place of an earlier one, also over a restart of the broker; where a
   * newer one has come in between, that one stays. 0: it is not stored, and an earlier one stays.
   */
  publish(broadcast: BroadcastKey, message: string, storedUntil: number): Promise<Broadcasting>
  /**
   * Removes the retained message, if any, and resolves once nobody is sent it any more. Throws if
   * that is not known; a limit of the broker is waited out for a few seconds.
   */
  clear(channel: ChannelId): Promise<void>
}

/** Is told about every publish; never fails, and never makes the caller wait. */
export interface BroadcastOutcomes {
  record(outcome: BroadcastOutcome): void
}

/** Carries events to where they are published, outside a notification's path. */
export interface AnnouncementQueue {
  /** Resolves when the queue holds them all durably. */
  send(announcements: readonly Announcement[]): Promise<void>
}

/** Where events are published to subscribers. */
export interface EventTopic {
  /**
   * Publishes them; returns those that were not accepted, in no particular order. Throws if there
   * was nothing to publish.
   */
  publish(announcements: readonly Announcement[]): Promise<readonly Announcement[]>
}

/** Carries outcomes to where receipts are kept, outside a notification's path. */
export interface OutcomeQueue {
  /** Resolves when the queue holds them all durably. */
  send(outcomes: readonly Outcome[]): Promise<void>
}

/** What happened to notifications, kept for a number of days. */
export interface Receipts {
  /** Stores the outcomes; the same outcome is stored only once. */
  write(outcomes: readonly Outcome[]): Promise<void>
  /**
   * Every outcome of the notifications with this `apns-id` or `apns-unique-id`, in any letter case,
   * in no particular order. If a provider has used one `apns-id` for many, those of the newest
   * `MAX_NAMESAKES`.
   */
  find(id: NotificationId): Promise<readonly Outcome[]>
}

/** The object that API Gateway checks client certificates against. */
export interface Truststore {
  /** Puts the PEM bundle and returns the version of the object. */
  put(pem: string): Promise<{ readonly key: string; readonly version: string }>
  /** The current version, if any. */
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
  /** IoT Core has it for this device: a repeated request gets it without another step. */
  readonly admitted?: boolean
}

export interface Renewal {
  /** SHA-256 of the public key that asked for it, hex. */
  readonly keyHash: string
  readonly startedAt: number
}

/** A device as the service stores it. */
export interface DeviceRecord {
  readonly deviceId: DeviceId
  readonly activatedAt: number
  readonly revokedAt?: number
  /** The latest renewal that was started, whatever its result. */
  readonly renewal?: Renewal
  /** When the export was made whose pending notifications of the device were taken in last. */
  readonly importedAt?: number
  /** Newest first, at most `MAX_CERTIFICATES`; more than one while a renewal is in progress. */
  readonly certificates: readonly DeviceCertificate[]
}

export interface Devices {
  find(deviceId: DeviceId): Promise<DeviceRecord | undefined>
  /**
   * Adds the certificate to the device, which is created if it is new; the same key is stored only
   * once. Throws if the device is revoked or has `MAX_CERTIFICATES`.
   */
  addCertificate(
    deviceId: DeviceId,
    certificate: DeviceCertificate,
    nowMs: number,
  ): Promise<DeviceRecord>
  /** Notes that IoT Core knows the certificate; returns the updated device. */
  confirmCertificate(deviceId: DeviceId, certificateId: string): Promise<DeviceRecord | undefined>
  forgetCertificates(deviceId: DeviceId, certificateIds: readonly string[]): Promise<void>
  /**
   * Notes a renewal unless the device is revoked or has started another since `previous`; returns
   * whether it did.
   */
  beginRenewal(
    deviceId: DeviceId,
    renewal: Renewal,
    previous: Renewal | undefined,
  ): Promise<boolean>
}

/** A code that was given out. */
export interface ActivationCode {
  readonly codeHash: string
  readonly expiresAt: number
  /** One code for many devices; local use only. */
  readonly reusable: boolean
  /** What it has been used for; never present in a reusable code. */
  readonly boundTo?: { readonly keyHash: string; readonly deviceId: DeviceId }
}

export interface Activations {
  find(codeHash: string): Promise<ActivationCode | undefined>
  /**
   * Binds the code to this key and device id, exactly once even under concurrent use. The same key
   * gets the same device again, so that a device can ask again after a lost answer; another key
   * gets nothing.
   */
  redeem(code: ActivationCode, keyHash: string, candidate: DeviceId): Promise<DeviceId | undefined>
}

/** Limits how many certificates are issued per second, because more codes may come in that time. */
export interface Pace {
  /** Takes a place in line: 0 = now, otherwise the seconds after which to ask again. */
  take(nowMs: number): Promise<number>
}

/** A CA's key; it stays in KMS. */
export interface SigningKey {
  readonly algorithm: 'ECDSA-P256' | 'RSA-2048'
  /** ECDSA signatures come as DER, as KMS gives them. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** A CA's key, with what its first certificate needs. */
export interface AuthorityKey extends SigningKey {
  readonly arn: string
  /** SubjectPublicKeyInfo, DER. */
  publicKey(): Promise<Uint8Array>
}

/** IoT Core's registry. Every call may be repeated after a lost answer. */
export interface DeviceRegistry {
  /**
   * Registers the certificate, creates the thing unless it exists, and attaches both and the
   * policy. Nothing is admitted before the last step; if a step fails, the repeat continues with
   * the same certificate. Throws if the certificate belongs to another device.
   */
  admit(deviceId: DeviceId, certificate: string): Promise<void>
  /**
   * Permanently disables a certificate, then detaches it: as long as it is attached, something may
   * be left to do. One that the registry does not know counts as retired.
   */
  retire(deviceId: DeviceId, certificateId: string): Promise<void>
}

/** A device on record and the certificates in its record. */
export interface FleetDevice {
  readonly deviceId: DeviceId
  readonly certificateIds: readonly string[]
}

/** A stage's entries in the device registry. Every call may be repeated. */
export interface Fleet {
  /** Some of the certificates that have the stage's policy; empty if there are none left. */
  holders(): Promise<readonly string[]>
  /**
   * Detaches the policy from a certificate, and removes the certificate with its things if it
   * belongs to the stage.
   */
  release(holder: string): Promise<boolean>
  /** Some devices on record, those after `after`; `next` if there are more. */
  devices(
    after?: string,
  ): Promise<{ readonly some: readonly FleetDevice[]; readonly next?: string }>
  /** Removes what remains of a device: its thing and the certificates on its record. */
  remove(device: FleetDevice): Promise<void>
  /** False while the policy is attached to something, or was a moment ago. */
  removePolicy(): Promise<boolean>
}
