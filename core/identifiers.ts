import { base32crockford } from '@scure/base'

declare const brand: unique symbol
type Brand<Name extends string> = string & { readonly [brand]: Name }

/** 80 random bits as 16 characters of lower-case Crockford base32; also the thing name and MQTT client id. */
export type DeviceId = Brand<'DeviceId'>
/** An app's bundle id, with the suffix of its push type where it has one, for example `com.example.app.voip`. */
export type Topic = Brand<'Topic'>
/** 64 lower-case hex digits; what a provider addresses a device and topic by. */
export type DeviceToken = Brand<'DeviceToken'>
/** The `apns-id` of a notification: a UUID, byte for byte as the provider sent it. */
export type NotificationId = Brand<'NotificationId'>
/** A ULID given at accept; sorts as text in the order of acceptance. */
export type Seq = Brand<'Seq'>
/** SHA-256 of a certificate's DER, 64 lower-case hex digits. */
export type Fingerprint = Brand<'Fingerprint'>
/** Names one token key of the ring. */
export type TokenKeyId = Brand<'TokenKeyId'>

const pattern = {
  deviceId: /^[0-9a-hjkmnp-tv-z]{16}$/,
  topic: /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_-])?$/,
  deviceToken: /^[0-9a-f]{64}$/i,
  notificationId: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  seq: /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/,
  fingerprint: /^[0-9a-f]{64}$/,
  tokenKeyId: /^[0-9A-HJKMNP-TV-Z]{26}$/,
} as const

const matching =
  <T extends string>(form: RegExp) =>
  (value: unknown): T | undefined =>
    typeof value === 'string' && form.test(value) ? (value as T) : undefined

export const parseDeviceId = matching<DeviceId>(pattern.deviceId)
export const parseTopic = matching<Topic>(pattern.topic)
export const parseNotificationId = matching<NotificationId>(pattern.notificationId)
export const parseSeq = matching<Seq>(pattern.seq)
export const parseFingerprint = matching<Fingerprint>(pattern.fingerprint)
export const parseTokenKeyId = matching<TokenKeyId>(pattern.tokenKeyId)

/** Apple ignores the letter case of a token's hex digits; here it is always lower. */
export function parseDeviceToken(value: unknown): DeviceToken | undefined {
  return typeof value === 'string' && pattern.deviceToken.test(value)
    ? (value.toLowerCase() as DeviceToken)
    : undefined
}

/** How many random bytes a device id is made of. */
export const DEVICE_ID_BYTES = 10

export function deviceIdFromBytes(bytes: Uint8Array): DeviceId {
  if (bytes.length !== DEVICE_ID_BYTES) throw new Error('a device id is made of 10 bytes')
  return base32crockford.encode(bytes).toLowerCase() as DeviceId
}

export function deviceIdToBytes(deviceId: DeviceId): Uint8Array {
  return base32crockford.decode(deviceId.toUpperCase())
}

/** Crockford's alphabet is in ASCII order, so the texts compare as the numbers would. */
export function isNewer(seq: Seq, than: Seq): boolean {
  return seq > than
}
