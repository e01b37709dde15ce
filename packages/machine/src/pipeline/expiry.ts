import { type ExpirePorts, expire } from '@heliograph/core/delivery/expire'
import { slotName } from '@heliograph/core/delivery/slot-name'
import type { Notification } from '@heliograph/core/notification'
import type { PendingNotifications } from '@heliograph/core/ports'
import { faultFields, type Log } from '../log.ts'

/** Slots by the second in which they expire. */
export interface ExpiringSlots extends Pick<PendingNotifications, 'remove'> {
  expired(nowMs: number, limit: number): readonly Notification[]
}

export interface ExpiryOptions {
  readonly slots: ExpiringSlots
  readonly ports: ExpirePorts
  /** Removes everything else that has expired; returns how many rows. */
  readonly sweep: (nowMs: number, limit: number) => Promise<number>
  readonly log: Log
}

/** Slots per look; if there are more, the next look follows at once. */
const AT_ONCE = 500
/** How often feedback, claims and codes that are over are removed, milliseconds. */
const SWEEP_MS = 10_000

/** Ends slots within the second in which they expire; returns what stops it. */
export function startExpiry(options: ExpiryOptions): () => void {
  const { slots, ports, log } = options
  let timer: NodeJS.Timeout | undefined
  let sweptAt = 0
  let isStopped = false
  const look = async () => {
    const now = ports.clock.now()
    let isMore = false
    try {
      const due = slots.expired(now, AT_ONCE)
      isMore = due.length === AT_ONCE
      await Promise.all(due.map((one) => endSlot(one, options)))
      // a clock that was set back must not put it off
      if (Math.abs(now - sweptAt) >= SWEEP_MS) {
        sweptAt = now
        isMore ||= (await options.sweep(now, AT_ONCE)) >= AT_ONCE
        if (isMore) sweptAt = 0
      }
    } catch (fault) {
      log.error('what is over cannot be removed', faultFields(fault))
      isMore = false
    }
    if (!isStopped) again(isMore)
  }
  const again = (isMore: boolean) => {
    // expirations are whole seconds
    const rest = isMore ? 1 : 1_000 - (ports.clock.now() % 1_000)
    timer = setTimeout(() => void look(), rest)
    timer.unref()
  }
  again(false)
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

/** Whoever removes the slot informs the provider: a drain may have been quicker. */
async function endSlot(notification: Notification, { slots, ports }: ExpiryOptions): Promise<void> {
  const { deviceId, seq } = notification
  if (await slots.remove(deviceId, slotName(notification), seq)) await expire(notification, ports)
}
