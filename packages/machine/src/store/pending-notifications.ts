import { type SlotName, slotName } from '@heliograph/core/delivery/slot-name'
import {
  type Notification,
  parseNotification,
  serializeNotification,
} from '@heliograph/core/notification'
import type { PendingNotifications } from '@heliograph/core/ports'
import { type DeviceId, isNewer } from '@heliograph/protocol/identifiers'
import { damaged } from './damaged.ts'
import type { Environment } from './environment.ts'
import { ofDevice, slotsOfTopic } from './ranges.ts'

/** Expired slots, for those who tell the providers. */
export interface ExpiringSlots {
  /** Slots that have expired, the earliest first. They stay until `pending.remove` takes them. */
  expired(nowMs: number, limit: number): readonly Notification[]
}

type SlotKey = [deviceId: DeviceId, slot: SlotName]
type ExpiryKey = [expiresAt: number, deviceId: DeviceId, slot: SlotName]

/**
 * The slots, and an index by the second in which they expire: both change in one transaction, so
 * they always contain the same slots.
 */
export function pendingNotifications(
  environment: Environment,
): PendingNotifications & ExpiringSlots {
  const slots = environment.table<string, SlotKey>('pending')
  const expiries = environment.table<number, ExpiryKey>('pending by expiry')

  function read(deviceId: DeviceId, slot: SlotName): Notification | undefined {
    const text = slots.get([deviceId, slot])
    return text === undefined ? undefined : notificationIn(text)
  }

  function write(notification: Notification, old: Notification | undefined): void {
    const { deviceId, expiration } = notification
    const slot = slotName(notification)
    if (old) expiries.remove([old.expiration, deviceId, slot])
    slots.put([deviceId, slot], serializeNotification(notification))
    expiries.put([expiration, deviceId, slot], 1)
  }

  return {
    put: (notification, nowMs) =>
      environment.change(() => {
        const { deviceId, seq } = notification
        const old = read(deviceId, slotName(notification))
        const isOver = old && old.expiration <= Math.floor(nowMs / 1000)
        if (old && !isOver && isNewer(old.seq, seq)) return { kept: false }
        write(notification, old)
        return old && old.seq !== seq ? { kept: true, replaced: old } : { kept: true }
      }),

    find: async (deviceId, slot) => read(deviceId, slot),

    list: async (deviceId) =>
      [...slots.getRange(ofDevice(deviceId))].map(({ value }) => notificationIn(value)),

    listOf: async (deviceId, topic) =>
      [...slots.getRange(slotsOfTopic(deviceId, topic))].map(({ value }) => notificationIn(value)),

    remove: (deviceId, slot, seq) =>
      environment.change(() => {
        const there = read(deviceId, slot)
        if (there?.seq !== seq) return false
        slots.remove([deviceId, slot])
        expiries.remove([there.expiration, deviceId, slot])
        return true
      }),

    expired(nowMs, limit) {
      const end = [Math.floor(nowMs / 1000) + 1] as unknown as ExpiryKey
      return [...expiries.getKeys({ end, limit })].flatMap(
        ([, deviceId, slot]) => read(deviceId, slot) ?? [],
      )
    },
  }
}

function notificationIn(text: string): Notification {
  return parseNotification(text) ?? damaged('a pending notification')
}
