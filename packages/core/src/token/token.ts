import { hash } from 'node:crypto'
import type { DeviceId, DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import { aessiv } from '@noble/ciphers/aes.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/ciphers/utils.js'
import { DEVICE_ID_BYTES, deviceIdFromBytes, deviceIdToBytes } from '../device-id.ts'
import { tokenFingerprint } from '../notification.ts'
import type { TokenKey } from '../ports.ts'
import { blockOpener, type OpenBlock } from './one-block.ts'

/**
 * The device token: AES-SIV (RFC 5297) over `deviceId ‖ SHA-256(topic)[0..6]`, 32 bytes as Apple's
 * classic tokens. Deterministic, so a device gets the same token until the key changes and nothing
 * is stored to recognize it. The label binds a token to this use and version.
 */
const LABEL = utf8ToBytes('heliograph device token v1')
export const TOKEN_KEY_BYTES = 64
const TOPIC_HASH_BYTES = 6

export interface OpenedToken {
  readonly deviceId: DeviceId
  readonly topicHash: string
  /** See `tokenFingerprint`. */
  readonly fingerprint: string
  /** The key that opened it. */
  readonly key: TokenKey
}

export function sealToken(key: TokenKey, deviceId: DeviceId, topic: Topic): DeviceToken {
  const plaintext = concatBytes(deviceIdToBytes(deviceId), topicHash(topic))
  return bytesToHex(aessiv(key.key, LABEL).encrypt(plaintext)) as DeviceToken
}

/** The content of the token, or undefined if no key opens it; it never says why. */
export function openToken(keys: readonly TokenKey[], token: DeviceToken): OpenedToken | undefined {
  const opened = openedWith(keys)
  const before = opened.get(token)
  if (before) return before
  const now = openAnew(keys, token)
  if (now && opened.size >= MOST_OPENED) opened.clear()
  if (now) opened.set(token, now)
  return now
}

/** A few megabytes at most. */
const MOST_OPENED = 4_096
const openedByRing = new WeakMap<readonly TokenKey[], Map<DeviceToken, OpenedToken>>()

/**
 * Tokens that a ring has opened, which is most of what accept computes. Forgotten whenever the ring
 * is read again.
 */
function openedWith(keys: readonly TokenKey[]): Map<DeviceToken, OpenedToken> {
  const known = openedByRing.get(keys) ?? new Map<DeviceToken, OpenedToken>()
  openedByRing.set(keys, known)
  return known
}

function openAnew(keys: readonly TokenKey[], token: DeviceToken): OpenedToken | undefined {
  const sealed = hexToBytes(token)
  for (const key of keys) {
    const plaintext = open(key, sealed)
    if (plaintext) {
      return {
        deviceId: deviceIdFromBytes(plaintext.slice(0, DEVICE_ID_BYTES)),
        topicHash: bytesToHex(plaintext.subarray(DEVICE_ID_BYTES)),
        fingerprint: tokenFingerprint(token),
        key,
      }
    }
  }
  return undefined
}

export function isForTopic(opened: OpenedToken, topic: Topic): boolean {
  return opened.topicHash === topicHashText(topic)
}

/** A provider sends to few topics, again and again. */
const MOST_TOPICS = 1_000
const hashes = new Map<Topic, string>()

function topicHashText(topic: Topic): string {
  const known = hashes.get(topic)
  if (known !== undefined) return known
  const text = bytesToHex(topicHash(topic))
  if (hashes.size >= MOST_TOPICS) hashes.clear()
  hashes.set(topic, text)
  return text
}

/** The key that new tokens are sealed with. */
export function primaryKey(keys: readonly TokenKey[]): TokenKey {
  const primary = keys.find((key) => key.state === 'primary')
  if (!primary)
    throw new Error('the token key ring has no primary key: run `heliograph key rotate`')
  return primary
}

/**
 * The tokens that a provider may hold for this device and topic: one for every live key that was
 * primary at some time since `registeredAt` (ms).
 */
export function tokensSince(
  keys: readonly TokenKey[],
  registeredAt: number,
  deviceId: DeviceId,
  topic: Topic,
): DeviceToken[] {
  return keys
    .filter((key) => key.replacedAt === undefined || key.replacedAt >= registeredAt)
    .map((key) => sealToken(key, deviceId, topic))
}

function topicHash(topic: Topic): Uint8Array {
  return new Uint8Array(hash('sha256', topic, 'buffer').subarray(0, TOPIC_HASH_BYTES))
}

const openers = new WeakMap<Uint8Array, OpenBlock>()

function open({ key }: TokenKey, sealed: Uint8Array): Uint8Array | undefined {
  const opener = openers.get(key) ?? blockOpener(key, LABEL)
  openers.set(key, opener)
  return opener(sealed)
}
