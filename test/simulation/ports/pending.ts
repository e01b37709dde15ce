import { type DeviceId, isNewer, type Seq, type Topic } from '../../../core/identifiers.ts'
import type { Notification } from '../../../core/notification.ts'
import type { PendingNotifications, Stored } from '../../../core/ports.ts'
import type { Access } from './access.ts'

/** What became of a slot, for those who watch. `expired`: the TTL took it. */
export type SlotChange =
  | { readonly kind: 'kept'; readonly notification: Notification; readonly replaced?: Notification }
  | { readonly kind: 'removed' | 'expired'; readonly notification: Notification }
  | { readonly kind: 'seen'; readonly notification: Notification }

/** The slots of all devices, with DynamoDB's conditions. Every method happens at once. */
export class PendingStore {
  readonly #slots = new Map<DeviceId, Map<Topic, Notification>>()
  readonly #watch: (change: SlotChange) => void

  constructor(watch: (change: SlotChange) => void = () => {}) {
    this.#watch = watch
  }

  put(notification: Notification, nowMs: number): Stored {
    const { deviceId, topic, seq } = notification
    const old = this.#slots.get(deviceId)?.get(topic)
    if (old && isNewer(old.seq, seq) && old.expiration > Math.floor(nowMs / 1000))
      return { kept: false }
    const slots = this.#slots.get(deviceId) ?? new Map()
    this.#slots.set(deviceId, slots.set(topic, notification))
    const stored = old && old.seq !== seq ? { kept: true, replaced: old } : { kept: true }
    this.#watch({
      kind: 'kept',
      notification,
      ...(stored.replaced && { replaced: old }),
    } as SlotChange)
    return stored as Stored
  }

  find(deviceId: DeviceId, topic: Topic): Notification | undefined {
    const notification = this.#slots.get(deviceId)?.get(topic)
    if (notification) this.#watch({ kind: 'seen', notification })
    return notification
  }

  /** In the order of the sort key, as a query gives them. */
  list(deviceId: DeviceId): Notification[] {
    const slots = [...(this.#slots.get(deviceId)?.values() ?? [])]
    for (const notification of slots) this.#watch({ kind: 'seen', notification })
    return slots.sort((a, b) => (a.topic < b.topic ? -1 : 1))
  }

  remove(deviceId: DeviceId, topic: Topic, seq: Seq): boolean {
    const notification = this.#slots.get(deviceId)?.get(topic)
    if (notification?.seq !== seq) return false
    this.#take(notification, 'removed')
    return true
  }

  /** The TTL looks at a slot: true where it took it away. */
  expire(deviceId: DeviceId, topic: Topic, nowMs: number): Notification | undefined {
    const notification = this.#slots.get(deviceId)?.get(topic)
    if (!notification || notification.expiration > Math.floor(nowMs / 1000)) return undefined
    return this.#take(notification, 'expired')
  }

  all(): Notification[] {
    return [...this.#slots.values()].flatMap((slots) => [...slots.values()])
  }

  #take(notification: Notification, kind: 'removed' | 'expired'): Notification {
    this.#slots.get(notification.deviceId)?.delete(notification.topic)
    this.#watch({ kind, notification })
    return notification
  }
}

export function memoryPending(store: PendingStore, access: Access): PendingNotifications {
  return {
    put: (notification, nowMs) =>
      access('pending.put', notification.seq, () => store.put(notification, nowMs)),
    find: (deviceId, topic) =>
      access('pending.find', `${deviceId}/${topic}`, () => store.find(deviceId, topic)),
    list: (deviceId) => access('pending.list', deviceId, () => store.list(deviceId)),
    remove: (deviceId, topic, seq) =>
      access('pending.remove', seq, () => store.remove(deviceId, topic, seq)),
  }
}
