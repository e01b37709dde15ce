declare const brand: unique symbol
type Brand<Name extends string> = string & { readonly [brand]: Name }

/** 80 random bits as 16 characters of lower-case Crockford base32; also the thing name and MQTT client id. */
export type DeviceId = Brand<'DeviceId'>
/**
 * An app's bundle id, with the suffix of its push type if there is one, for example
 * `com.example.app.voip`.
 */
export type Topic = Brand<'Topic'>
/**
 * A channel, and the only way into it: who knows the id may join. 24 random letters and digits (142
 * bits), which are valid base64 as they are: the same text is the header `apns-channel-id`, the level
 * of the MQTT topic, and what a device joins. It is never written to a log whole.
 */
export type ChannelId = Brand<'ChannelId'>
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
/** Names a provider key: 10 capital letters and digits, the `kid` of the tokens signed with it. */
export type ProviderKeyId = Brand<'ProviderKeyId'>
/** Whose a provider key is: 10 capital letters and digits, the `iss` of the tokens signed with it. */
export type TeamId = Brand<'TeamId'>

/** The forms of the identifiers; those of tokens and notification ids hold in either letter case. */
export const patterns = {
  deviceId: /^[0-9a-hjkmnp-tv-z]{16}$/,
  topic: /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_-])?$/,
  channelId: /^[A-Za-z0-9]{24}$/,
  deviceToken: /^[0-9a-f]{64}$/i,
  notificationId: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  seq: /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/,
  fingerprint: /^[0-9a-f]{64}$/,
  tokenKeyId: /^[0-9A-HJKMNP-TV-Z]{26}$/,
  providerKeyId: /^[0-9A-Z]{10}$/,
  teamId: /^[0-9A-Z]{10}$/,
} as const

const matching =
  <T extends string>(form: RegExp) =>
  (value: unknown): T | undefined =>
    typeof value === 'string' && form.test(value) ? (value as T) : undefined

export const parseDeviceId = matching<DeviceId>(patterns.deviceId)
export const parseTopic = matching<Topic>(patterns.topic)
export const parseChannelId = matching<ChannelId>(patterns.channelId)
export const parseNotificationId = matching<NotificationId>(patterns.notificationId)
export const parseSeq = matching<Seq>(patterns.seq)
export const parseFingerprint = matching<Fingerprint>(patterns.fingerprint)
export const parseTokenKeyId = matching<TokenKeyId>(patterns.tokenKeyId)
export const parseProviderKeyId = matching<ProviderKeyId>(patterns.providerKeyId)
export const parseTeamId = matching<TeamId>(patterns.teamId)

/** Apple ignores the letter case of a token's hex digits; here it is always lower. */
export function parseDeviceToken(value: unknown): DeviceToken | undefined {
  return typeof value === 'string' && patterns.deviceToken.test(value)
    ? (value.toLowerCase() as DeviceToken)
    : undefined
}

/** Crockford's alphabet is in ASCII order, so the texts compare as the numbers would. */
export function isNewer(seq: Seq, than: Seq): boolean {
  return seq > than
}

/** Whether this text can be the id of a channel: what a device checks before it joins. */
export function isChannelId(value: unknown): value is ChannelId {
  return parseChannelId(value) !== undefined
}
