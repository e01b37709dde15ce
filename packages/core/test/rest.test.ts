import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import { describe, expect, it } from 'vitest'
import { notification } from '../../../test/contract/samples.ts'
import type { Delivery } from '../src/delivery/attempt.ts'
import { decideRest } from '../src/delivery/rest.ts'
import type { Recipient } from '../src/multicast.ts'

const recipient = (receives: number): Recipient => ({ notification: notification(), receives })
const [a, b, c] = [recipient(0), recipient(0), recipient(5)] as const
const multicast = [a, b, c]
const decide = (deliveries: readonly Delivery[], received: number) =>
  decideRest(multicast, deliveries, received)

describe('what is left of a multicast', () => {
  it('is nothing when all are done', () => {
    expect(decide(['done', 'done', 'done'], 3)).toEqual({ do: 'finish' })
  })

  it('stays with the queue while nobody is done', () => {
    expect(decide(['again', 'again', 'again'], 1)).toEqual({ do: 'leave' })
  })

  it('goes into a message of its own, with its count, so that nobody else hears it again', () => {
    expect(decide(['done', 'again', 'again'], 2)).toEqual({
      do: 'split',
      again: [
        { ...b, receives: 2 },
        { ...c, receives: 7 },
      ],
      dead: [],
    })
  })

  it('is a dead letter after the last hand-out of that recipient, and there begins anew', () => {
    expect(decide(['done', 'again', 'again'], MAX_RECEIVES - 5)).toEqual({
      do: 'split',
      again: [{ ...b, receives: MAX_RECEIVES - 5 }],
      dead: [{ ...c, receives: 0 }],
    })
    // also where nobody is done: the queue would hand the message out some more times
    expect(decide(['again', 'again', 'again'], MAX_RECEIVES - 5)).toMatchObject({ do: 'split' })
  })

  it('is moved by the queue itself after as many hand-outs of the message', () => {
    expect(decide(['again', 'again', 'again'], MAX_RECEIVES)).toEqual({ do: 'leave' })
    expect(decide(['done', 'again', 'again'], MAX_RECEIVES)).toEqual({
      do: 'split',
      again: [],
      dead: [b, { ...c, receives: 0 }],
    })
  })
})
