import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import type { Multicast } from '../multicast.ts'
import type { Delivery } from './attempt.ts'

/**
 * What to do about the recipients of a multicast that are not done. `leave`: none is done, so the
 * queue hands out the whole message again. `split`: the others must not get it again, so the
 * remaining ones go into new messages: back to the queue, with their count of receives, or to the
 * dead letters, where the count starts over for whoever redrives them.
 */
export type Rest =
  | { readonly do: 'finish' }
  | { readonly do: 'leave' }
  | { readonly do: 'split'; readonly again: Multicast; readonly dead: Multicast }

/** `received`: how often the queue has handed out this message, including this time. */
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
  // once the message itself has been handed out that often, the queue moves it to the dead letters
  const queueDoesIt = dead.length === 0 || received >= MAX_RECEIVES
  if (failed.length === multicast.length && queueDoesIt) return { do: 'leave' }
  return { do: 'split', again, dead: dead.map((one) => ({ ...one, receives: 0 })) }
}
