import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import type { Multicast } from '../multicast.ts'
import type { Delivery } from './attempt.ts'

/**
 * What to do about the recipients of a multicast that are not done. `leave`: nobody is, so the queue hands the
 * whole message out again. `split`: the others must not hear it again, so those that are left go into messages
 * of their own: to the queue, with their count of hand-outs, or to the dead letters, where it begins anew for
 * whoever redrives them.
 */
export type Rest =
  | { readonly do: 'finish' }
  | { readonly do: 'leave' }
  | { readonly do: 'split'; readonly again: Multicast; readonly dead: Multicast }

/** `received`: how often the queue has handed this message out, this time included. */
export function decideRest(
  multicast: Multicast,
  deliveries: readonly Delivery[],
  received: number,
): Rest {
  const failed = multicast
    .filter((_, at) => deliveries[at] !== 'done')
    .map(({ notification, receives }) => ({ notification, receives: receives + received }))
  if (failed.length === 0) return { do: 'finish' }
  const again = failed.filter(({ receives }) => receives < MAX_RECEIVES)
  const dead = failed.filter(({ receives }) => receives >= MAX_RECEIVES)
  // after as many hand-outs of the message itself the queue moves it to the dead letters
  const queueDoesIt = dead.length === 0 || received >= MAX_RECEIVES
  if (failed.length === multicast.length && queueDoesIt) return { do: 'leave' }
  return { do: 'split', again, dead: dead.map((one) => ({ ...one, receives: 0 })) }
}
