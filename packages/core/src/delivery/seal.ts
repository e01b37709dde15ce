import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { isNewer } from '@heliograph/protocol/identifiers'
import { isExpired, type Notification } from '../notification.ts'
import type {
  Clock,
  PendingNotifications,
  SlotRow,
  SlotTable,
  Stored,
  TokenKey,
  TokenKeyRing,
} from '../ports.ts'
import { RING_SECONDS } from '../token/believed-ring.ts'
import { primaryKey } from '../token/token.ts'
import { slotName } from './slot-name.ts'

/**
 * The seal of a notification: HMAC-SHA-256 over all of it, cut to 128 bits, under a key that HKDF
 * derives from a token key (RFC 2104, RFC 5869). accept makes it and deliver requires it, so that
 * someone who may write to the queue or the pending table, but cannot unwrap a token key, cannot
 * send anything to a device.
 */
const LABEL = 'heliograph notification seal v1'
const SEAL_BYTES = 16

export type Unsealed = Omit<Notification, 'seal'>

/** 22 characters of base64url. */
export function sealNotification(keys: readonly TokenKey[], notification: Unsealed): string {
  const key = sealingKey(keys, notification.acceptedAt)
  return sealOf(key, notification).toString('base64url')
}

/**
 * The notification with its seal, which is made when it is first read: what a device acknowledges
 * at once is never written anywhere, and so needs none.
 */
export function sealedLater(unsealed: Unsealed, keys: readonly TokenKey[]): Notification {
  return new SealedLater(unsealed, keys)
}

/**
 * Every field by name: an object that is spread, or that has a getter of its own, costs 2 µs more
 * to make and to read, and there is one for every notification.
 */
class SealedLater implements Notification {
  readonly id: Notification['id']
  readonly uniqueId: string
  readonly idFromProvider: boolean
  readonly seq: Notification['seq']
  readonly deviceId: Notification['deviceId']
  readonly topic: Notification['topic']
  readonly tokenFingerprint: string
  readonly acceptedAt: number
  readonly expiration: number
  readonly priority: Notification['priority']
  readonly pushType: Notification['pushType']
  // declared only: where there is none, there is no such field
  declare readonly collapseId?: string
  declare readonly perCollapseId?: number
  readonly payload: string
  readonly #keys: readonly TokenKey[]
  #seal: string | undefined

  constructor(one: Unsealed, keys: readonly TokenKey[]) {
    this.id = one.id
    this.uniqueId = one.uniqueId
    this.idFromProvider = one.idFromProvider
    this.seq = one.seq
    this.deviceId = one.deviceId
    this.topic = one.topic
    this.tokenFingerprint = one.tokenFingerprint
    this.acceptedAt = one.acceptedAt
    this.expiration = one.expiration
    this.priority = one.priority
    this.pushType = one.pushType
    if (one.collapseId !== undefined) this.collapseId = one.collapseId
    if (one.perCollapseId !== undefined) this.perCollapseId = one.perCollapseId
    this.payload = one.payload
    this.#keys = keys
  }

  get seal(): string {
    this.#seal ??= sealNotification(this.#keys, this)
    return this.#seal
  }

  /** For what is written somewhere: a getter of a class is not. */
  toJSON(): Notification {
    return { ...this, seal: this.seal }
  }
}

/**
 * The newest key that every ring knows by then, or else the oldest. Under a newer one a genuine
 * notification would look forged to those who may not read their ring again just yet, and an older
 * one would take its slot.
 */
function sealingKey(keys: readonly TokenKey[], nowMs: number): TokenKey {
  const live = oldestFirst(keys)
  const known = live.findLast(({ createdAt }) => nowMs - createdAt >= RING_SECONDS * 1000)
  return known ?? live[0] ?? primaryKey(keys)
}

const sorted = new WeakMap<readonly TokenKey[], readonly TokenKey[]>()

/** The live keys of a ring, which is another list when it has changed. */
function oldestFirst(keys: readonly TokenKey[]): readonly TokenKey[] {
  const known = sorted.get(keys)
  if (known) return known
  const live = keys
    .filter(({ state }) => state !== 'retired')
    .sort((a, b) => a.createdAt - b.createdAt)
  sorted.set(keys, live)
  return live
}

/** Whether a live key made the seal: a retired key no longer counts, as with tokens. */
export function isSealed(keys: readonly TokenKey[], notification: Notification): boolean {
  const seal = Buffer.from(notification.seal, 'base64url')
  if (seal.length !== SEAL_BYTES) return false
  return keys.some((key) => timingSafeEqual(sealOf(key, notification), seal))
}

export type IsGenuine = (notification: Notification) => Promise<boolean>

/**
 * Asks the ring, and once more in case the key is new. A notification without a seal comes from a
 * version before seals and is accepted only until `unsealedUntil` (ms): without that limit, an
 * attacker could simply leave out the seal.
 */
export function genuineBy(ring: TokenKeyRing, clock: Clock, unsealedUntil: number): IsGenuine {
  return async (notification) => {
    if (notification.seal === '') return clock.now() < unsealedUntil
    return (
      isSealed(await ring.keys(), notification) || isSealed(await ring.refreshed(), notification)
    )
  }
}

/** How many rows that do not count one put may run into before it is left to the queue. */
const MAX_TRIES = 5

/**
 * The slots that come from accept; forged rows are treated as absent. A forged row cannot block a
 * genuine notification from its slot, whatever seq and expiration it claims.
 */
export function genuinePending(table: SlotTable, isGenuine: IsGenuine): PendingNotifications {
  async function genuine(row: SlotRow | undefined): Promise<Notification | undefined> {
    const notification = row?.notification
    return notification && (await isGenuine(notification)) ? notification : undefined
  }

  async function allGenuine(rows: readonly SlotRow[]): Promise<readonly Notification[]> {
    const slots = await Promise.all(rows.map(genuine))
    return slots.filter((slot) => slot !== undefined)
  }

  async function put(notification: Notification, nowMs: number): Promise<Stored> {
    const { deviceId } = notification
    let despite: SlotRow | undefined
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const stored = await table.put(notification, nowMs, despite)
      if (stored.kept) return withReplaced(await genuine(stored.replaced))
      const row = await table.find(deviceId, slotName(notification))
      const other = await genuine(row)
      if (other && isNewer(other.seq, notification.seq) && !isExpired(other, nowMs))
        return { kept: false }
      despite = other ? undefined : row
    }
    throw new Error('someone keeps writing this slot')
  }

  return {
    put,
    find: async (deviceId, slot) => genuine(await table.find(deviceId, slot)),
    list: async (deviceId) => allGenuine(await table.list(deviceId)),
    listOf: async (deviceId, topic) => allGenuine(await table.listOf(deviceId, topic)),
    remove: (deviceId, slot, seq) => table.remove(deviceId, slot, seq),
  }
}

function withReplaced(replaced: Notification | undefined): Stored {
  return replaced ? { kept: true, replaced } : { kept: true }
}

function sealOf(key: TokenKey, notification: Unsealed): Buffer {
  const mac = createHmac('sha256', sealKey(key)).update(sealedText(notification)).digest()
  return mac.subarray(0, SEAL_BYTES)
}

/** A list of scalars, so that two notifications never have the same text. */
function sealedText(one: Unsealed): string {
  return JSON.stringify([
    one.id,
    one.uniqueId,
    one.idFromProvider,
    one.seq,
    one.deviceId,
    one.topic,
    one.tokenFingerprint,
    one.acceptedAt,
    one.expiration,
    one.priority,
    one.pushType,
    one.collapseId ?? null,
    one.payload,
    // seals of notifications without it are as they always were
    ...(one.perCollapseId === undefined ? [] : [one.perCollapseId]),
  ])
}

const sealKeys = new WeakMap<Uint8Array, Buffer>()

function sealKey({ key }: TokenKey): Buffer {
  const known = sealKeys.get(key)
  if (known) return known
  const derived = Buffer.from(hkdfSync('sha256', key, '', LABEL, 32))
  sealKeys.set(key, derived)
  return derived
}
