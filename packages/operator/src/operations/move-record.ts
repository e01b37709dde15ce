import type { MovedTokenKey } from '@heliograph/core/operator-ports'
import type {
  Authority,
  Channel,
  DeviceCertificate,
  DeviceRecord,
  ProviderKey,
  ProviderRecord,
  Registration,
} from '@heliograph/core/ports'
import { TOKEN_KEY_BYTES } from '@heliograph/core/token/token'
import {
  parseChannelId,
  parseDeviceId,
  parseFingerprint,
  parseProviderKeyId,
  parseSeq,
  parseTeamId,
  parseTokenKeyId,
  parseTopic,
} from '@heliograph/protocol/identifiers'
import { parseStoragePolicy } from '@heliograph/protocol/storage-policy'
import { Failure } from '../failure.ts'

/** One line of an export. Bytes are base64. */
export type MoveRecord =
  | { readonly kind: 'stage'; readonly stage: string; readonly exportedAt: number }
  | { readonly kind: 'authority'; readonly name: Authority['name']; readonly certificate: string }
  | {
      readonly kind: 'tokenKey'
      readonly key: Omit<MovedTokenKey, 'key'> & { readonly key: string }
    }
  | { readonly kind: 'providerKey'; readonly key: ProviderKey }
  | { readonly kind: 'provider'; readonly record: ProviderRecord }
  | {
      readonly kind: 'channel'
      readonly channel: Channel
      /** What it stores, as devices are sent it. */
      readonly stored?: string
    }
  | {
      readonly kind: 'device'
      readonly device: DeviceRecord
      readonly registrations: readonly Registration[]
      /** As `serializeNotification` writes them. */
      readonly pending: readonly string[]
    }

type Kind = MoveRecord['kind']
type Fields = Readonly<Record<string, unknown>>

/**
 * The lines of an export.
 *
 * @throws Failure that names the line which is not of this version.
 */
export function parseMoveRecords(text: string): MoveRecord[] {
  return text.split('\n').map((line, at) => {
    const record = recordIn(line)
    if (record && (at > 0 || record.kind === 'stage')) return record
    throw new Failure(
      'refused',
      `line ${at + 1} of the export is unknown to this version: nothing was imported; import with the version that made it, or a later one`,
    )
  })
}

function recordIn(line: string): MoveRecord | undefined {
  const value = fieldsIn(line)
  if (!value || !Object.hasOwn(checks, String(value.kind))) return undefined
  return checks[value.kind as Kind](value) ? (value as unknown as MoveRecord) : undefined
}

function fieldsIn(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown) => typeof value === 'string'
const isTime = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isTimeOrNone = (value: unknown) => value === undefined || isTime(value)
const isDefined = (value: unknown) => value !== undefined
const all = (value: unknown, check: (one: unknown) => boolean) =>
  Array.isArray(value) && value.every(check)

/**
 * What each kind of line must contain; anything else would reach a table and be trusted from then
 * on.
 */
const checks: Readonly<Record<Kind, (value: Fields) => boolean>> = {
  stage: ({ stage, exportedAt }) => isText(stage) && isTime(exportedAt),
  authority: ({ name, certificate }) =>
    (name === 'provider' || name === 'device') && isText(certificate),
  tokenKey: ({ key }) => isFields(key) && isTokenKey(key),
  providerKey: ({ key }) => isFields(key) && isProviderKey(key),
  provider: ({ record }) => isFields(record) && isProvider(record),
  channel: ({ channel, stored }) =>
    isFields(channel) &&
    isChannel(channel) &&
    (stored === undefined || isStoredBy(stored, channel)),
  device: ({ device, registrations, pending }) =>
    isFields(device) &&
    isDevice(device) &&
    all(registrations, (one) => isRegistrationOf(one, device.deviceId)) &&
    all(pending, isText),
}

function isTokenKey({ id, createdAt, retiredAt, key }: Fields): boolean {
  const bytes = Buffer.from(String(key), 'base64')
  const isKey = bytes.length === TOKEN_KEY_BYTES && bytes.toString('base64') === key
  return isDefined(parseTokenKeyId(id)) && isTime(createdAt) && isTimeOrNone(retiredAt) && isKey
}

function isProviderKey(key: Fields): boolean {
  const { keyId, teamId, topics, publicKey, createdAt, revokedAt } = key
  const ids = [parseProviderKeyId(keyId), parseTeamId(teamId)]
  return (
    ids.every(isDefined) &&
    areTopics(topics) &&
    isText(publicKey) &&
    isTime(createdAt) &&
    isTimeOrNone(revokedAt)
  )
}

function isProvider({ fingerprint, topics, revokedAt, ...others }: Fields): boolean {
  const { serial, subject, notBefore, notAfter, issuedAt } = others
  return (
    isDefined(parseFingerprint(fingerprint)) &&
    areTopics(topics) &&
    [serial, subject].every(isText) &&
    [notBefore, notAfter, issuedAt].every(isTime) &&
    isTimeOrNone(revokedAt)
  )
}

const areTopics = (value: unknown) => all(value, (one) => isDefined(parseTopic(one)))

function isChannel({ id, topic, storagePolicy, createdAt }: Fields): boolean {
  const parsed = [parseChannelId(id), parseTopic(topic), parseStoragePolicy(storagePolicy)]
  return parsed.every(isDefined) && isTime(createdAt)
}

/** Devices drop what is not of the channel that it came on. */
function isStoredBy(stored: unknown, { id, topic }: Fields): boolean {
  const message = fieldsIn(String(stored))
  return (
    isText(stored) &&
    message?.channel === id &&
    message?.topic === topic &&
    isDefined(parseSeq(message?.seq)) &&
    isTime(message?.expiration)
  )
}

function isDevice({ deviceId, activatedAt, revokedAt, certificates }: Fields): boolean {
  const isOwn = isDefined(parseDeviceId(deviceId))
  return isOwn && isTime(activatedAt) && isTimeOrNone(revokedAt) && all(certificates, isCertificate)
}

function isCertificate(value: unknown): boolean {
  if (!isFields(value)) return false
  const { certificateId, keyHash, certificate, notAfter } = value as Partial<DeviceCertificate>
  return [certificateId, keyHash, certificate].every(isText) && isTime(notAfter)
}

function isRegistrationOf(value: unknown, deviceId: unknown): boolean {
  if (!isFields(value) || value.deviceId !== deviceId) return false
  const { topic, live, registeredAt, unregisteredAt, expiredAt } = value
  const times = [unregisteredAt, expiredAt]
  return (
    isDefined(parseTopic(topic)) &&
    typeof live === 'boolean' &&
    isTime(registeredAt) &&
    times.every(isTimeOrNone)
  )
}
