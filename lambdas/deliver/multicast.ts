import { faultFields, type Log } from '@heliograph/aws/log'
import type { Attempt, Delivery } from '@heliograph/core/delivery/attempt'
import { decideRest } from '@heliograph/core/delivery/rest'
import type { Multicast } from '@heliograph/core/multicast'
import type { Notification } from '@heliograph/core/notification'
import type { Clock, NotificationQueue } from '@heliograph/core/ports'
import type { Turns } from '@heliograph/core/turns'
import { BEGIN_WITHIN_MS, backOffSeconds, MAX_RECEIVES } from '@heliograph/protocol/retry'

export interface MulticastPorts {
  readonly clock: Clock
  /** The queue that multicasts come from: those that are to be tried again go back to it. */
  readonly notifications: Pick<NotificationQueue, 'sendMulticasts'>
  /** Where an operator finds notifications that were given up. */
  readonly deadLetters: Pick<NotificationQueue, 'sendMulticasts'>
  chance(): number
}

/** Delivers one recipient; never throws. */
export type DeliverOne = (notification: Notification, attempt: Attempt) => Promise<Delivery>

/** One hand-out of the message that carries a multicast. */
export interface HandOut {
  /** How often the queue has handed it out, including this time. */
  readonly received: number
  /** When the function began with its batch, milliseconds. */
  readonly startedAt: number
  /** Of the whole execution environment. */
  readonly turns: Turns
}

/**
 * Processes the recipients concurrently, settles each separately, and returns only those that
 * failed to the queue.
 */
export async function deliverMulticast(
  multicast: Multicast,
  handOut: HandOut,
  deliverOne: DeliverOne,
  ports: MulticastPorts,
  log: Log,
): Promise<Delivery> {
  const { received, startedAt, turns } = handOut
  const deliveries = await Promise.all(
    multicast.map(({ notification, receives }) =>
      turns(async () => {
        if (ports.clock.now() - startedAt > BEGIN_WITHIN_MS) return 'again'
        const number = receives + received
        const last = number >= MAX_RECEIVES
        return deliverOne(notification, { number, last, slotOnly: false })
      }),
    ),
  )
  return giveBack(multicast, deliveries, received, ports, log)
}

/** The message is removed only once the queues hold what is left of it. */
async function giveBack(
  multicast: Multicast,
  deliveries: readonly Delivery[],
  received: number,
  ports: MulticastPorts,
  log: Log,
): Promise<Delivery> {
  const rest = decideRest(multicast, deliveries, received)
  if (rest.do !== 'split') return rest.do === 'finish' ? 'done' : 'again'
  const { again, dead } = rest
  const most = Math.max(...again.map(({ receives }) => receives))
  const delaySeconds = backOffSeconds(most, ports.chance())
  try {
    const sent = await Promise.all([
      again.length > 0 ? ports.notifications.sendMulticasts([again], { delaySeconds }) : [],
      dead.length > 0 ? ports.deadLetters.sendMulticasts([dead]) : [],
    ])
    const held = new Set(sent.flatMap((some) => [...some]))
    return held.size === again.length + dead.length ? 'done' : 'again'
  } catch (fault) {
    log.error('what is left of a multicast could not be queued', faultFields(fault))
    return 'again'
  }
}
