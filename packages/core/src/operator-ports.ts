import type {
  ChannelId,
  DeviceId,
  Fingerprint,
  ProviderKeyId,
  Topic,
} from '@heliograph/protocol/identifiers'
import type {
  AnnouncementQueue,
  Authorities,
  Authority,
  Broadcasts,
  Channel,
  DeviceRecord,
  Devices,
  Feedback,
  OutcomeQueue,
  PendingNotifications,
  ProviderKey,
  ProviderRecord,
  Receipts,
  Registrations,
  TokenKey,
  TokenKeyRing,
  TokenKeyStore,
} from './ports.ts'
import type { StatsReader } from './stats/topic-stats.ts'
import type { KeyInRing } from './token/key-ring.ts'
import type { Rotation } from './token/rotate.ts'

/**
 * What an operator needs in addition to the ports of the rules. Times are milliseconds since the
 * epoch unless stated otherwise.
 */

export interface NewActivationCode {
  readonly codeHash: string
  /** UNIX seconds. */
  readonly expiresAt: number
  readonly createdAt: number
  /** One code for many devices: for local use only. */
  readonly reusable: boolean
}

export interface ActivationCodes {
  /** Puts a code on record, by its hash. */
  add(code: NewActivationCode): Promise<void>
}

export interface DeviceRecords {
  /** At most `limit` devices in no particular order; `more` if there are others. */
  list(
    limit: number,
  ): Promise<{ readonly devices: readonly DeviceRecord[]; readonly more: boolean }>
  /**
   * Marks a device as revoked, whatever its record contains; the first time is kept. Returns it
   * with every certificate that was on record. Undefined if there is no such device.
   */
  revoke(deviceId: DeviceId, at: number): Promise<DeviceRecord | undefined>
  /** Notes that the device's pending notifications of the export of this time are here; an older export changes nothing. */
  noteImport(deviceId: DeviceId, exportedAt: number): Promise<void>
}

/**
 * What is known about a device's connection; a closed one is forgotten after a while (IoT Core: 30
 * minutes).
 */
export interface Presence {
  readonly connected: boolean
  readonly since?: number
  /** Why it ended (AWS IoT Core: "Lifecycle events"). */
  readonly disconnectReason?: string
}

export interface Presences {
  /** Undefined if nothing is known about the device. On AWS at most once a second per device. */
  find(deviceId: DeviceId): Promise<Presence | undefined>
  /**
   * Closes the connection; returns whether there was one. It does not stop the device from
   * reconnecting.
   */
  close(deviceId: DeviceId): Promise<boolean>
}

export interface ProviderKeyRecords {
  find(keyId: ProviderKeyId): Promise<ProviderKey | undefined>
  /**
   * Puts a key on record, with every topic that it names; false if its id is taken. Ids are never
   * freed.
   */
  save(key: ProviderKey): Promise<boolean>
  /** Every key, newest first. */
  list(): Promise<readonly ProviderKey[]>
  /**
   * Marks a key as revoked and removes its topics; the first time is kept. Can be repeated after an
   * interruption. Undefined if there is no such key.
   */
  revoke(keyId: ProviderKeyId, at: number): Promise<ProviderKey | undefined>
}

export interface ProviderRecords {
  /** Puts a certificate on record, with every topic it names. */
  save(record: ProviderRecord): Promise<void>
  /** Every certificate, newest first. */
  list(): Promise<readonly ProviderRecord[]>
  /** Every topic that any certificate names. */
  topics(): Promise<readonly Topic[]>
  /**
   * Marks a certificate as revoked; the first time and reason are kept. Undefined if there is no
   * such certificate.
   */
  revoke(fingerprint: Fingerprint, at: number, reason: string): Promise<ProviderRecord | undefined>
}

export interface RegistrationRecords {
  /**
   * Notes that the operator ended the registration at `at`; false if it did not end at that time.
   */
  noteExpiry(deviceId: DeviceId, topic: Topic, at: number): Promise<boolean>
}

export interface ChannelRecords {
  /** Every channel of every topic that is not closed, in no particular order. */
  all(): Promise<readonly Channel[]>
  /**
   * Puts a channel of another deployment on record. `known`: its id is, even if it is closed. `full`:
   * its topic has `MAX_CHANNELS`.
   */
  add(channel: Channel): Promise<'added' | 'known' | 'full'>
}

export interface StoredBroadcasts {
  /** The message that a channel stores now for those who join later. */
  stored(channel: ChannelId): Promise<string | undefined>
}

/** The keys of the CAs, which never leave their store. */
export interface AuthorityKeys {
  /** Over the SHA-256 of the message: RSASSA-PKCS1-v1_5 for providers, ECDSA in DER for devices. */
  sign(name: Authority['name'], message: Uint8Array): Promise<Uint8Array>
  /** SubjectPublicKeyInfo, DER. */
  publicKey(name: Authority['name']): Promise<Uint8Array>
}

/** CAs of deployments that moved here. */
export interface OtherAuthorities {
  /**
   * Admits certificates from this CA if they are on record here; false if the CA is already known.
   * Throws if the text is not a CA.
   */
  add(name: Authority['name'], certificate: string): Promise<boolean>
}

/** A token key that is being moved from one deployment to another. */
export interface MovedTokenKey extends Pick<TokenKey, 'id' | 'createdAt' | 'key'> {
  readonly retiredAt?: number
}

export interface TokenKeyVault extends Omit<TokenKeyStore, 'create'> {
  /**
   * A key with its plain bytes, even if it is retired: an operator may ask what a dead token was.
   */
  open(key: KeyInRing): Promise<TokenKey>
  /** Adds a primary key and retires those past their grace time, as the schedule does. */
  rotate(): Promise<Rotation>
  /** Stores a key from another deployment under its id; false if the id is taken. */
  keep(key: MovedTokenKey): Promise<boolean>
}

/** The certificates that admit a device. */
export interface DeviceAdmissions {
  /** Admits a certificate, PEM; may be repeated. */
  admit(deviceId: DeviceId, certificate: string): Promise<void>
  /** The ids of all that the registry has for the device, whoever put them there. */
  attached(deviceId: DeviceId): Promise<readonly string[]>
  /** Permanently disables one. */
  retire(deviceId: DeviceId, certificateId: string): Promise<void>
}

/** Everything that an operator's operations need from a deployment, wherever it is. */
export interface OperatorPorts {
  readonly authorities: Authorities
  readonly authorityKeys: AuthorityKeys
  /** Absent if no other CA can be admitted. */
  readonly otherAuthorities?: OtherAuthorities
  readonly tokenKeys: TokenKeyVault
  readonly ring: TokenKeyRing
  readonly providers: ProviderRecords
  /** Absent if an earlier version is deployed. */
  readonly providerKeys?: ProviderKeyRecords
  readonly devices: Devices & DeviceRecords
  readonly admissions: DeviceAdmissions
  readonly presences: Presences
  readonly activationCodes: ActivationCodes
  readonly registrations: Registrations & RegistrationRecords
  readonly pending: PendingNotifications
  readonly feedback: Feedback
  /** These two are absent if an earlier version is deployed. */
  readonly channels?: ChannelRecords
  readonly broadcasts?: Pick<Broadcasts, 'publish'> & StoredBroadcasts
  /** What happened to notifications; absent if an earlier version is deployed. */
  readonly receipts?: Pick<Receipts, 'find'>
  /** Figures by topic; absent if the stage counts no topics. */
  readonly stats?: StatsReader
  /** Records the outcomes that an operator causes; absent in the same cases as `receipts`. */
  readonly outcomes?: OutcomeQueue
  /** Tells subscribers about tokens that an operator ends; absent in the same cases. */
  readonly announcements?: AnnouncementQueue
}
