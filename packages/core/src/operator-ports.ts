import type { DeviceId, Fingerprint, ProviderKeyId, Topic } from '@heliograph/protocol/identifiers'
import type {
  AnnouncementQueue,
  Authorities,
  Authority,
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

/** What an operator does beyond what the rules ask for. Times are milliseconds since the epoch unless they say otherwise. */

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
  /** At most `limit` devices in no order; `more` where there are others. */
  list(
    limit: number,
  ): Promise<{ readonly devices: readonly DeviceRecord[]; readonly more: boolean }>
  /**
   * Marks a device as revoked, whatever its record holds; the first time stays. Returns it with every
   * certificate that was on record. Undefined where there is no such device.
   */
  revoke(deviceId: DeviceId, at: number): Promise<DeviceRecord | undefined>
}

/** What is known of a device's connection; a closed one is forgotten after a while (IoT Core: 30 minutes). */
export interface Presence {
  readonly connected: boolean
  readonly since?: number
  /** Why it ended (AWS IoT Core: "Lifecycle events"). */
  readonly disconnectReason?: string
}

export interface Presences {
  /** Undefined where nothing is known of the device. On AWS at most once a second per device. */
  find(deviceId: DeviceId): Promise<Presence | undefined>
  /** Ends the connection; says whether there was one. It does not keep the device from coming back. */
  close(deviceId: DeviceId): Promise<boolean>
}

export interface ProviderKeyRecords {
  find(keyId: ProviderKeyId): Promise<ProviderKey | undefined>
  /** Puts a key on record, with every topic that it names; says false where its id is taken, for good. */
  save(key: ProviderKey): Promise<boolean>
  /** Every key, newest first. */
  list(): Promise<readonly ProviderKey[]>
  /**
   * Marks a key as revoked and takes its topics back; the first time stays. May be repeated where it
   * was broken off. Undefined if there is no such key.
   */
  revoke(keyId: ProviderKeyId, at: number): Promise<ProviderKey | undefined>
}

export interface ProviderRecords {
  /** Puts a certificate on record, with every topic it names. */
  save(record: ProviderRecord): Promise<void>
  /** Every certificate, newest first. */
  list(): Promise<readonly ProviderRecord[]>
  /** Every topic that some certificate names. */
  topics(): Promise<readonly Topic[]>
  /** Marks a certificate as revoked; the first time and reason stay. Undefined if there is no such certificate. */
  revoke(fingerprint: Fingerprint, at: number, reason: string): Promise<ProviderRecord | undefined>
}

export interface RegistrationRecords {
  /** Notes that it was the operator who ended the registration at `at`; false where that is not its end. */
  noteExpiry(deviceId: DeviceId, topic: Topic, at: number): Promise<boolean>
}

/** The keys of the CAs, which stay where they are. */
export interface AuthorityKeys {
  /** Over the SHA-256 of the message: RSASSA-PKCS1-v1_5 for providers, ECDSA in DER for devices. */
  sign(name: Authority['name'], message: Uint8Array): Promise<Uint8Array>
  /** SubjectPublicKeyInfo, DER. */
  publicKey(name: Authority['name']): Promise<Uint8Array>
}

/** A token key on its way from one deployment to another. */
export interface MovedTokenKey extends Pick<TokenKey, 'id' | 'createdAt' | 'key'> {
  readonly retiredAt?: number
}

export interface TokenKeyVault extends Omit<TokenKeyStore, 'create'> {
  /** A key with its plain bytes; of a retired one, too: an operator may ask what a dead token was. */
  open(key: KeyInRing): Promise<TokenKey>
  /** Adds a primary key and retires those past their grace time, as the schedule does. */
  rotate(): Promise<Rotation>
  /** Keeps a key of another deployment under its id; false where there is one of this id. */
  keep(key: MovedTokenKey): Promise<boolean>
}

/** The certificates that let a device in. */
export interface DeviceAdmissions {
  /** Lets a certificate in, PEM; may be repeated. */
  admit(deviceId: DeviceId, certificate: string): Promise<void>
  /** The ids of those that the registry has for the device, no matter who put them there. */
  attached(deviceId: DeviceId): Promise<readonly string[]>
  /** Makes one useless for good. */
  retire(deviceId: DeviceId, certificateId: string): Promise<void>
}

/** All that the operations of an operator ask of a deployment, wherever it is. */
export interface OperatorPorts {
  readonly authorities: Authorities
  readonly authorityKeys: AuthorityKeys
  readonly tokenKeys: TokenKeyVault
  readonly ring: TokenKeyRing
  readonly providers: ProviderRecords
  /** Absent where an earlier version is deployed. */
  readonly providerKeys?: ProviderKeyRecords
  readonly devices: Devices & DeviceRecords
  readonly admissions: DeviceAdmissions
  readonly presences: Presences
  readonly activationCodes: ActivationCodes
  readonly registrations: Registrations & RegistrationRecords
  readonly pending: PendingNotifications
  readonly feedback: Feedback
  /** What became of notifications; absent where an earlier version is deployed. */
  readonly receipts?: Pick<Receipts, 'find'>
  /** Figures by topic; absent where the stage counts no topics. */
  readonly stats?: StatsReader
  /** Where receipts are made of what an operator ends; absent as `receipts`. */
  readonly outcomes?: OutcomeQueue
  /** Where subscribers hear of the tokens that an operator ends; absent as above. */
  readonly announcements?: AnnouncementQueue
}
