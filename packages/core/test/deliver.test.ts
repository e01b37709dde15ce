import { BUSY_ATTEMPTS, FIRST_SILENCE_MS, SLOT_RETRY_SECONDS } from '@heliograph/protocol/retry'
import { beforeEach, describe, expect, test } from 'vitest'
import { FORGED_SEAL, later, notification, now } from '../../../test/contract/samples.ts'
import type { Attempt } from '../src/delivery/attempt.ts'
import { decideAfterSend, deliver, FRESH_MS } from '../src/delivery/deliver.ts'
import type { Notification } from '../src/notification.ts'
import { receiptOf } from '../src/receipts/receipt.ts'
import { Delivery } from './delivery-support.ts'

const first: Attempt = { number: 1, last: false, slotOnly: false }
const second: Attempt = { number: 2, last: false, slotOnly: false }
const slotOnly: Attempt = { number: 1, last: false, slotOnly: true }

let world: Delivery
let one: Notification

beforeEach(() => {
  world = new Delivery()
  one = notification()
  world.register(one.deviceId)
})

const run = (attempt: Attempt = first, subject = one) => deliver(subject, attempt, world.ports)
const slot = () => world.slots.find(one.deviceId, one.topic)

test.each([
  ['acknowledged', 0, 'finish'],
  ['offline', 1, 'hold'],
  ['unconfirmed', 1, 'hold'],
  ['offline', 0, 'drop'],
  ['unconfirmed', 0, 'drop'],
  ['busy', 0, 'again'],
  ['busy', 1, 'again'],
  ['refused', 1, 'give-up'],
] as const)('%s with expiration %i: %s', (sent, expiration, decision) => {
  expect(decideAfterSend(sent, notification({ expiration }))).toEqual({ do: decision })
})

describe('a device that is there', () => {
  test('gets the notification directly, and no table is asked', async () => {
    world.ports.registrations.find = world.ports.pending.find = () => {
      throw new Error('asked')
    }
    expect(await run()).toBe('done')
    expect(world.sent).toEqual([{ seq: one.seq, stored: false }])
    expect(world.kinds).toEqual(['delivered'])
  })

  test('gets the payload byte for byte, last in the message', async () => {
    const payload = '{"n":12345678901234567890,"n":1,"text":"\\u00e9"}'
    let text = ''
    world.ports.connections.send = async (_deviceId, _topic, message) => {
      text = message
      return 'acknowledged'
    }
    await run(first, { ...one, payload })
    expect(text.endsWith(`,"payload":${payload}}`)).toBe(true)
  })
})

describe('a device that is away', () => {
  beforeEach(() => {
    world.answers = ['offline']
  })

  test('finds the notification in its slot, tried once more after the put', async () => {
    expect(await run()).toBe('done')
    expect(world.sent).toEqual([
      { seq: one.seq, stored: false },
      { seq: one.seq, stored: true },
    ])
    expect(world.kinds).toEqual(['stored'])
    expect(slot()).toEqual(one)
  })

  test('and connects between the send and the put is reached by the second send', async () => {
    world.answers = ['offline', 'acknowledged']
    await run()
    expect(world.kinds).toEqual(['stored', 'drained'])
    expect(slot()).toBeUndefined()
  })

  test('gets nothing of a single attempt, and the provider hears of it', async () => {
    expect(await run(first, { ...one, expiration: 0 })).toBe('done')
    expect(slot()).toBeUndefined()
    expect(world.kinds).toEqual(['expired'])
    expect(world.feedback()).toMatchObject([{ reason: 'Expired', id: one.id }])
  })

  test('keeps the newest: an older one that comes later is coalesced', async () => {
    const newer = later(one)
    world.slots.put(newer, now)
    expect(await run()).toBe('done')
    expect(slot()).toEqual(newer)
    expect(world.sent).toEqual([{ seq: one.seq, stored: false }])
    expect(world.outcomes).toMatchObject([{ kind: 'coalesced', seq: one.seq }])
  })

  test('keeps the newest: the older one in the slot is coalesced', async () => {
    const newer = later(one)
    world.slots.put(one, now)
    await run(first, newer)
    expect(slot()).toEqual(newer)
    expect(world.outcomes).toMatchObject([
      { kind: 'coalesced', seq: one.seq },
      { kind: 'stored', seq: newer.seq },
    ])
  })

  test('one in the slot whose time has passed is expired, not coalesced', async () => {
    const old = { ...one, expiration: now / 1000 - 1 }
    world.slots.put(old, now)
    await run(first, later(one))
    expect(world.outcomes).toMatchObject([{ kind: 'expired', seq: one.seq }, { kind: 'stored' }])
    expect(world.feedback()).toMatchObject([{ id: old.id, reason: 'Expired' }])
  })

  test.each([
    ['newer', later],
    ['older', (of: Notification) => later(of, -1)],
  ])('a forged %s row in its slot is as if it were not there', async (_what, other) => {
    const forged = { ...other(one), seal: FORGED_SEAL }
    for (const attempt of [first, second]) {
      world.slots.forge(forged)
      await run(attempt)
      expect(slot()).toEqual(one)
    }
    expect(world.kinds).toEqual(['stored', 'stored'])
    expect(world.sent.every(({ seq }) => seq === one.seq)).toBe(true)
  })

  test('that unregisters before the put is read as dead after it', async () => {
    world.beforeSend = () => {
      world.registry.change(one.deviceId, one.topic, false, now)
    }
    await run()
    expect(world.sent).toHaveLength(1)
    expect(world.kinds).toEqual(['unregistered'])
    expect(slot()).toBeUndefined()
  })

  test('that unregisters after a drain of the slot was stored all the same', async () => {
    const { find } = world.ports.registrations
    world.answers = ['offline', 'acknowledged']
    // between the put and the read: a drain that saw the token live, then the unregister
    world.ports.registrations.find = async (...of) => {
      world.ports.registrations.find = find
      await run(slotOnly)
      world.registry.change(one.deviceId, one.topic, false, now)
      return find(...of)
    }
    expect(await run()).toBe('done')
    expect(world.sent.map(({ stored }) => stored)).toEqual([false, true])
    expect(world.kinds).toEqual(['drained', 'stored'])
    expect(receiptOf(world.outcomes)).toMatchObject({
      state: 'drained',
      events: [{ kind: 'accepted' }, { kind: 'stored' }, { kind: 'drained' }],
    })
    expect(receiptOf(world.outcomes)?.incomplete).toBeUndefined()
  })

  test('a newer one that takes the slot during the second send stays', async () => {
    const newer = later(one)
    world.answers = ['offline', 'acknowledged']
    world.beforeSend = () => {
      if (slot()) world.slots.put(newer, now)
    }
    await run()
    expect(slot()).toEqual(newer)
    expect(world.kinds).toEqual(['stored'])
  })
})

describe('a device that is connected and silent', () => {
  test('its slot is tried again later, and nothing is sent twice in a row', async () => {
    world.answers = ['unconfirmed']
    expect(await run()).toBe('done')
    expect(world.sent).toHaveLength(1)
    expect(world.queued).toEqual([{ seq: one.seq, delaySeconds: SLOT_RETRY_SECONDS }])
  })

  test('the next one goes straight into the slot, until the silence is over', async () => {
    world.answers = ['unconfirmed']
    await run()
    const two = later(one)
    await deliver(two, first, world.ports)
    expect(world.sent).toHaveLength(1)
    expect(slot()).toEqual(two)
    expect(world.queued.at(-1)).toEqual({ seq: two.seq, delaySeconds: SLOT_RETRY_SECONDS })
    world.clock.time += FIRST_SILENCE_MS
    await deliver(later(two), first, world.ports)
    expect(world.sent).toHaveLength(2)
  })

  test('another device is sent to meanwhile', async () => {
    world.answers = ['unconfirmed', 'acknowledged']
    await run()
    const other = notification()
    world.register(other.deviceId)
    await deliver(other, first, world.ports)
    expect(world.kinds.at(-1)).toBe('delivered')
  })

  test('what may not be stored gets its one attempt, which nobody waits for', async () => {
    world.answers = ['unconfirmed']
    await run()
    await deliver({ ...later(one), expiration: 0 }, first, world.ports)
    expect(world.sent).toHaveLength(2)
    expect(world.kinds.at(-1)).toBe('expired')
  })

  test('throttled as a slot: it is tried again later', async () => {
    world.answers = ['offline', 'busy']
    expect(await run()).toBe('done')
    expect(world.queued).toEqual([{ seq: one.seq, delaySeconds: SLOT_RETRY_SECONDS }])
  })

  test('a message that only asks for a drain sends what is in the slot', async () => {
    world.slots.put(one, now)
    expect(await run(slotOnly)).toBe('done')
    expect(world.kinds).toEqual(['drained'])
  })
})

describe('IoT Core that does not serve', () => {
  test('busy: the message stays with the queue', async () => {
    world.answers = ['busy']
    expect(await run()).toBe('again')
    expect(world.kinds).toEqual([])
  })

  test('busy again and again: it goes into the slot, as for a device that is offline', async () => {
    world.answers = ['busy']
    expect(await run({ ...first, number: BUSY_ATTEMPTS - 1 })).toBe('again')
    expect(slot()).toBeUndefined()
    expect(await run({ ...first, number: BUSY_ATTEMPTS })).toBe('done')
    expect(slot()?.seq).toBe(one.seq)
    expect(world.queued).toEqual([{ seq: one.seq, delaySeconds: SLOT_RETRY_SECONDS }])
    expect(world.kinds).toEqual(['stored'])
  })

  test('busy again and again with expiration 0: it ends, and its provider hears of it', async () => {
    world.answers = ['busy']
    one = notification({ expiration: 0 })
    world.register(one.deviceId)
    expect(await run({ ...first, number: BUSY_ATTEMPTS })).toBe('done')
    expect(slot()).toBeUndefined()
    expect(world.feedback()).toMatchObject([{ reason: 'Expired', id: one.id }])
  })

  test('refused: feedback and no retry', async () => {
    world.answers = ['refused']
    expect(await run()).toBe('done')
    expect(world.kinds).toEqual(['undeliverable'])
    expect(world.feedback()).toMatchObject([{ reason: 'Undeliverable', id: one.id }])
  })

  test('refused for what is in the slot: the slot is emptied', async () => {
    world.answers = ['offline', 'refused']
    await run()
    expect(slot()).toBeUndefined()
    expect(world.kinds).toEqual(['stored', 'undeliverable'])
  })
})

describe('time', () => {
  test('a notification that expired in transit is dropped with feedback', async () => {
    world.clock.time = one.expiration * 1000
    await run()
    expect(world.told).toEqual([])
    expect(world.kinds).toEqual(['expired'])
    expect(world.feedback()).toMatchObject([{ reason: 'Expired' }])
  })

  test('one millisecond before its expiration it is still sent', async () => {
    world.clock.time = one.expiration * 1000 - 1
    await run()
    expect(world.kinds).toEqual(['delivered'])
  })

  test('an old message is looked up before it is sent: a dead token gets nothing', async () => {
    world.registry.change(one.deviceId, one.topic, false, now)
    world.clock.time = one.acceptedAt + FRESH_MS + 1
    await run()
    expect(world.told).toEqual([])
    expect(world.kinds).toEqual(['unregistered'])
  })

  test('a clock that runs backwards makes nothing old', async () => {
    world.clock.time = one.acceptedAt - 3_600_000
    await run()
    expect(world.outcomes).toMatchObject([{ kind: 'delivered', age: 0 }])
  })
})

describe('a message that comes again', () => {
  test('is found in its slot and sent as stored', async () => {
    world.slots.put(one, now)
    await run(second)
    expect(world.sent).toEqual([{ seq: one.seq, stored: true }])
    expect(world.kinds).toEqual(['drained'])
  })

  test('is coalesced where something newer is in the slot', async () => {
    world.slots.put(later(one), now)
    await run(second)
    expect(world.told).toEqual([])
    expect(world.kinds).toEqual(['coalesced'])
  })

  test('is sent where only something older, or expired, is in the slot', async () => {
    world.slots.put(later(one, -10), now)
    await run(second)
    world.slots.put(later(one, 10, { expiration: now / 1000 - 1 }), now)
    await run(second)
    expect(world.kinds).toEqual(['delivered', 'delivered'])
  })

  test('is not sent to a token that has died', async () => {
    world.registry.change(one.deviceId, one.topic, false, now)
    await run(second)
    expect(world.told).toEqual([])
    expect(world.kinds).toEqual(['unregistered'])
  })
})

describe("a provider's own apns-id", () => {
  const own = () => ({ ...one, idFromProvider: true })

  test('counts once: the second notification with it is a duplicate', async () => {
    await run(first, own())
    await run(first, later(own(), 1, { id: one.id, idFromProvider: true }))
    expect(world.kinds).toEqual(['delivered', 'duplicate'])
  })

  test('counts for a retry of the same notification too', async () => {
    world.answers = ['busy', 'acknowledged']
    await run(first, own())
    await run(second, own())
    expect(world.kinds).toEqual(['delivered'])
  })

  test('that is not the same notification: another token may use it', async () => {
    await run(first, own())
    const other = notification({ id: one.id, idFromProvider: true })
    await run(first, other)
    expect(world.kinds).toEqual(['delivered', 'delivered'])
  })
})

describe('what is not asked for', () => {
  test('a device that is away both times gets its slot at the next connect, not from the queue', async () => {
    world.answers = ['offline']
    expect(await run()).toBe('done')
    expect(slot()).toEqual(one)
    expect(world.queued).toEqual([])
  })

  test('an id that this service made is never looked up: no claim is written for it', async () => {
    world.ports.claims.claim = () => Promise.reject(new Error('claimed'))
    expect(await run(first, { ...one, idFromProvider: false })).toBe('done')
    await expect(run(first, { ...one, idFromProvider: true })).rejects.toThrow('claimed')
  })

  test('a notification as old as accept is believed is not looked up; an older one is', async () => {
    world.ports.registrations.find = () => Promise.reject(new Error('asked'))
    world.clock.time = one.acceptedAt + FRESH_MS
    expect(await run()).toBe('done')
    world.clock.time += 1
    await expect(run()).rejects.toThrow('asked')
  })
})

test('the one attempt for a silent device is no stored notification, and may find it gone', async () => {
  const single = { ...one, expiration: 0 }
  world.ports.silence.note(one.deviceId, 'unconfirmed', now)
  await run(first, single)
  expect(world.sent).toEqual([{ seq: one.seq, stored: false }])
  world.ports.connections.tell = async () => 'busy'
  expect(await run(first, single)).toBe('again')
})
