import { genuinePending, type IsGenuine } from '@heliograph/core/delivery/seal'
import { type SlotName, slotName, slotsOf } from '@heliograph/core/delivery/slot-name'
import type { Notification } from '@heliograph/core/notification'
import type { PendingNotifications, SlotRow, SlotTable, StoredRow } from '@heliograph/core/ports'
import { type DeviceId, isNewer, type Seq, type Topic } from '@heliograph/protocol/identifiers'
import type { Access } from './access.ts'

/** What became of a slot, for those who watch; nothing of a forged row. `expired`: the TTL took it. */
export type SlotChange =
  | { readonly kind: 'kept'; readonly notification: Notification; readonly replaced?: Notification }
  | { readonly kind: 'removed' | 'expired'; readonly notification: Notification }
  | { readonly kind: 'seen'; readonly notification: Notification }

/** The slots of all devices, with DynamoDB's conditions. Every method happens at once. */
export class PendingStore {
  readonly #slots = new Map<DeviceId, Map<SlotName, Notification>>()
  readonly #forged = new WeakSet<Notification>()
  readonly #watch: (change: SlotChange) => void

  constructor(watch: (change: SlotChange) => void = () => {}) {
    this.#watch = watch
  }

  /** Somebody who may write the table puts this there, whatever is there. */
  forge(notification: Notification): void {
    this.#forged.add(notification)
    this.#set(notification)
  }

  /** Something that a put has kept is there. */
  holdsGenuine(deviceId: DeviceId, slot: SlotName): boolean {
    const row = this.#slots.get(deviceId)?.get(slot)
    return row !== undefined && !this.#forged.has(row)
  }

  put(notification: Notification, nowMs: number, despite?: SlotRow): StoredRow {
    const { deviceId, seq } = notification
    const old = this.#slots.get(deviceId)?.get(slotName(notification))
    const isInTheWay = old && isNewer(old.seq, seq) && old.expiration > Math.floor(nowMs / 1000)
    if (isInTheWay && despite?.version !== old) return { kept: false }
    this.#set(notification)
    const replaced = old?.seq === seq ? undefined : old
    const isWatched = replaced && !this.#forged.has(replaced)
    this.#watch({ kind: 'kept', notification, ...(isWatched && { replaced }) })
    return replaced ? { kept: true, replaced: rowOf(replaced) } : { kept: true }
  }

  find(deviceId: DeviceId, slot: SlotName): Notification | undefined {
    const notification = this.#slots.get(deviceId)?.get(slot)
    if (notification) this.#see('seen', notification)
    return notification
  }

  /** In the order of the sort key, as a query gives them. */
  list(deviceId: DeviceId): Notification[] {
    const slots = [...(this.#slots.get(deviceId)?.values() ?? [])]
    for (const notification of slots) this.#see('seen', notification)
    return slots.sort((a, b) => (slotName(a) < slotName(b) ? -1 : 1))
  }

  listOf(deviceId: DeviceId, topic: Topic): Notification[] {
    const { first, last } = slotsOf(topic)
    const slots = [...(this.#slots.get(deviceId) ?? [])]
      .filter(([name]) => name >= first && name < last)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, notification]) => notification)
    for (const notification of slots) this.#see('seen', notification)
    return slots
  }

  remove(deviceId: DeviceId, slot: SlotName, seq: Seq): boolean {
    const notification = this.#slots.get(deviceId)?.get(slot)
    if (notification?.seq !== seq) return false
    this.#take(notification, 'removed')
    return true
  }

  /** The TTL looks at a slot: gives what it took away. */
  expire(deviceId: DeviceId, slot: SlotName, nowMs: number): Notification | undefined {
    const notification = this.#slots.get(deviceId)?.get(slot)
    if (!notification || notification.expiration > Math.floor(nowMs / 1000)) return undefined
    return this.#take(notification, 'expired')
  }

  /** Those that a put has kept. */
  all(): Notification[] {
    const rows = [...this.#slots.values()].flatMap((slots) => [...slots.values()])
    return rows.filter((row) => !this.#forged.has(row))
  }

  #set(notification: Notification): void {
    const { deviceId } = notification
    const slots = this.#slots.get(deviceId) ?? new Map()
    this.#slots.set(deviceId, slots.set(slotName(notification), notification))
  }

  #take(notification: Notification, kind: 'removed' | 'expired'): Notification {
    this.#slots.get(notification.deviceId)?.delete(slotName(notification))
    this.#see(kind, notification)
    return notification
  }

  #see(kind: 'seen' | 'removed' | 'expired', notification: Notification): void {
    if (!this.#forged.has(notification)) this.#watch({ kind, notification })
  }
}

/** One row of the store is one object. */
const rowOf = (notification: Notification): SlotRow => ({ notification, version: notification })

function memorySlotTable(store: PendingStore, access: Access): SlotTable {
  return {
    put: (notification, nowMs, despite) =>
      access('pending.put', notification.seq, () => store.put(notification, nowMs, despite)),
    async find(deviceId, slot) {
      const row = await access('pending.find', `${deviceId}/${slot}`, () =>
        store.find(deviceId, slot),
      )
      return row && rowOf(row)
    },
    async list(deviceId) {
      const rows = await access('pending.list', deviceId, () => store.list(deviceId))
      return rows.map(rowOf)
    },
    async listOf(deviceId, topic) {
      const rows = await access('pending.listOf', `${deviceId}/${topic}`, () =>
        store.listOf(deviceId, topic),
      )
      return rows.map(rowOf)
    },
    remove: (deviceId, slot, seq) =>
      access('pending.remove', seq, () => store.remove(deviceId, slot, seq)),
  }
}

export function memoryPending(
  store: PendingStore,
  access: Access,
  isGenuine: IsGenuine,
): PendingNotifications {
  return genuinePending(memorySlotTable(store, access), isGenuine)
}
