import type { Topic } from '@heliograph/protocol/identifiers'
import {
  DRAIN_WITHIN_MS,
  LEFT_TO_NEWEST_MS,
  LONGEST_SILENCE_MS,
  MAX_RECEIVES,
  SLOT_RETRY_SECONDS,
} from '@heliograph/protocol/retry'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  later,
  newDevice,
  notification,
  now,
  topicA,
  topicB,
} from '../../../test/contract/samples.ts'
import { deliver } from '../src/delivery/deliver.ts'
import { parsePendingRules, perCollapseIdOf } from '../src/delivery/pending-rules.ts'
import { silence } from '../src/delivery/silence.ts'
import { slotName, slotsOf } from '../src/delivery/slot-name.ts'
import { lineUp } from '../src/delivery/waiting.ts'
import { connect } from '../src/devices/connect.ts'
import { endRegistration } from '../src/devices/unregister.ts'
import type { Notification } from '../src/notification.ts'
import { Delivery } from './delivery-support.ts'

const deviceId = newDevice()
const once = { number: 1, last: false, slotOnly: false }
const drainOnly = { ...once, slotOnly: true }

let world: Delivery
beforeEach(() => {
  world = new Delivery()
  world.register(deviceId)
})

/** Of a topic that keeps the newest of each collapse id, accepted that many milliseconds later. */
function inLine(ms: number, collapseId?: string, more: Partial<Notification> = {}): Notification {
  const first = notification({ deviceId, perCollapseId: 3, ...more })
  return later(first, ms, {
    perCollapseId: 3,
    ...(collapseId !== undefined && { collapseId }),
    ...more,
  })
}

async function hold(...notifications: Notification[]): Promise<void> {
  world.answers = ['offline']
  for (const one of notifications) await deliver(one, once, world.ports)
  world.told.length = 0
}

function countReads(): () => number {
  const { listOf } = world.ports.pending
  let reads = 0
  world.ports.pending.listOf = (...call) => {
    reads += 1
    return listOf(...call)
  }
  return () => reads
}

const ids = (all: readonly { readonly seq: unknown }[]) => all.map(({ seq }) => seq)
const endsOf = ({ seq }: Notification) =>
  world.outcomes.filter((one) => one.seq === seq).map(({ kind }) => kind)

describe('what waits', () => {
  test('is in the order of acceptance, whatever the order of the slots', () => {
    const all = [inLine(1, 'z'), inLine(2), inLine(3, 'a')]
    const mixed = [...all].sort((a, b) => (slotName(a) < slotName(b) ? -1 : 1))
    expect(lineUp(mixed, now)).toEqual({ waiting: all, beyond: [] })
  })

  test('is the newest where there are too many', () => {
    const all = [1, 2, 3, 4, 5].map((ms) => inLine(ms))
    expect(lineUp(all, now)).toEqual({ waiting: all.slice(2), beyond: all.slice(0, 2) })
  })

  test('is as many as the newest one says', () => {
    const all = [inLine(1), inLine(2), inLine(3, undefined, { perCollapseId: 1 })]
    expect(ids(lineUp(all, now).waiting)).toEqual(ids(all.slice(2)))
  })

  test('leaves out what has expired, and the slot of a topic that keeps its newest', () => {
    const over = inLine(1, undefined, { expiration: now / 1000 })
    const ofTopic = notification({ deviceId })
    expect(lineUp([over, ofTopic], now)).toEqual({ waiting: [], beyond: [] })
  })
})

describe('while the device is offline', () => {
  test('the newest of each collapse id is kept, and each without one', async () => {
    const [old, plain, score, other] = [
      inLine(1, 'score'),
      inLine(2),
      inLine(3, 'score'),
      inLine(4),
    ]
    await hold(old, plain, score, other)
    const kept = await world.ports.pending.listOf(deviceId, topicA)
    expect(ids(kept).sort()).toEqual(ids([plain, score, other]))
    expect(endsOf(old)).toEqual(['stored', 'coalesced'])
    expect(world.outcomes.find(({ kind }) => kind === 'coalesced')?.replacedBy).toBe(score.uniqueId)
  })

  test('beyond the number the oldest is coalesced, and says by which', async () => {
    const all = [1, 2, 3, 4].map((ms) => inLine(ms))
    await hold(...all)
    const kept = await world.ports.pending.listOf(deviceId, topicA)
    expect(ids(kept).sort()).toEqual(ids(all.slice(1)))
    expect(endsOf(all[0] as Notification)).toEqual(['stored', 'coalesced'])
    const end = world.outcomes.find(({ kind }) => kind === 'coalesced')
    expect(end?.replacedBy).toBe(all[3]?.uniqueId)
  })

  test('one that comes too late is itself the one too many', async () => {
    const [late, ...others] = [1, 2, 3, 4].map((ms) => inLine(ms))
    await hold(...others, late as Notification)
    expect(endsOf(late as Notification)).toEqual(['stored', 'coalesced'])
    expect(await world.ports.pending.listOf(deviceId, topicA)).toHaveLength(3)
  })

  test('puts at the same time keep the number, and each notification has one end at most', async () => {
    world.answers = ['offline']
    const all = Array.from({ length: 12 }, (_, ms) => inLine(ms + 1))
    await Promise.all(all.map((one) => deliver(one, once, world.ports)))
    const kept = await world.ports.pending.listOf(deviceId, topicA)
    expect(ids(kept).sort()).toEqual(ids(all.slice(-3)))
    for (const one of all.slice(0, -3)) expect(endsOf(one)).toEqual(['stored', 'coalesced'])
  })

  test('what is sent once more is the one that waits longest', async () => {
    const [first, second] = [inLine(1), inLine(2)]
    await hold(first)
    world.answers = ['offline', 'acknowledged']
    await deliver(second, once, world.ports)
    expect(ids(world.sent)).toEqual([second.seq, first.seq])
    expect(world.sent.map(({ stored }) => stored)).toEqual([false, true])
    // the rest has a drain of its own
    expect(world.queued).toEqual([{ seq: second.seq }])
    expect(endsOf(first)).toEqual(['stored', 'drained'])
  })

  test('a device that is connected and silent gets nothing out of turn', async () => {
    const [first, second] = [inLine(1), inLine(2)]
    await hold(first)
    world.answers = ['unconfirmed']
    await deliver(second, once, world.ports)
    expect(ids(world.sent)).toEqual([second.seq])
    expect(world.queued).toMatchObject([{ seq: second.seq, delaySeconds: expect.any(Number) }])
  })

  test('a topic that keeps its newest makes no other call than before', async () => {
    const calls: string[] = []
    const { pending, registrations } = world.ports
    for (const [name, port] of Object.entries({ pending, registrations }))
      for (const [method, call] of Object.entries(port))
        Object.assign(port, {
          [method]: (...given: unknown[]) => {
            calls.push(`${name}.${method}`)
            return (call as (...all: unknown[]) => unknown)(...given)
          },
        })
    const one = notification({ deviceId, collapseId: 'score' })
    world.answers = ['offline']
    await deliver(one, once, world.ports)
    expect(calls).toEqual(['pending.put', 'registrations.find'])
    calls.length = 0
    world.answers = ['acknowledged']
    await deliver(one, drainOnly, world.ports)
    expect(calls).toEqual(['pending.find', 'registrations.find', 'pending.remove'])
  })
})

describe('a drain', () => {
  test('sends one after the other, oldest first', async () => {
    const all = [inLine(1, 'z'), inLine(2), inLine(3, 'a')]
    await hold(...all)
    world.answers = ['acknowledged']
    expect(await deliver(all[1] as Notification, drainOnly, world.ports)).toBe('done')
    expect(ids(world.sent)).toEqual(ids(all))
    for (const one of all) expect(endsOf(one)).toEqual(['stored', 'drained'])
  })

  test.each([
    ['offline', 'done'],
    ['unconfirmed', 'again'],
    ['busy', 'again'],
  ] as const)('stops where the device is %s, and the rest waits', async (sent, after) => {
    const all = [inLine(1), inLine(2), inLine(3)]
    await hold(...all)
    world.answers = ['acknowledged', sent, 'acknowledged']
    expect(await deliver(all[2] as Notification, drainOnly, world.ports)).toBe(after)
    expect(ids(world.sent)).toEqual(ids(all.slice(0, 2)))
    const kept = await world.ports.pending.listOf(deviceId, topicA)
    expect(ids(kept).sort()).toEqual(ids(all.slice(1)))
  })

  test('goes on behind one that the broker refuses', async () => {
    const all = [inLine(1), inLine(2)]
    await hold(...all)
    world.answers = ['refused', 'acknowledged']
    await deliver(all[0] as Notification, drainOnly, world.ports)
    expect(all.map(endsOf)).toEqual([
      ['stored', 'undeliverable'],
      ['stored', 'drained'],
    ])
  })

  test('passes over what somebody else has settled or replaced in the meantime', async () => {
    const [first, old, last] = [inLine(1), inLine(2, 'score'), inLine(3)]
    await hold(first, old, last)
    world.answers = ['acknowledged']
    let isFirst = true
    world.beforeSend = async () => {
      if (isFirst) await world.ports.pending.put(inLine(9, 'score'), now)
      isFirst = false
    }
    await deliver(last, drainOnly, world.ports)
    expect(ids(world.sent)).toEqual([first.seq, last.seq])
  })

  test('leaves what has expired to the TTL, each by itself', async () => {
    const [over, good] = [inLine(1, undefined, { expiration: now / 1000 + 1 }), inLine(2)]
    await hold(over, good)
    world.clock.time = now + 1_500
    world.answers = ['acknowledged']
    await deliver(good, drainOnly, world.ports)
    expect(ids(world.sent)).toEqual([good.seq])
    expect(ids(await world.ports.pending.listOf(deviceId, topicA))).toEqual([over.seq])
  })

  test('goes on behind one that expires while it is at it', async () => {
    const short = inLine(2, undefined, { expiration: now / 1000 + 1 })
    const [first, last] = [inLine(1), inLine(3)]
    await hold(first, short, last)
    world.answers = ['acknowledged']
    world.beforeSend = () => {
      world.clock.time = now + 1_500
    }
    await deliver(last, drainOnly, world.ports)
    expect(ids(world.sent)).toEqual(ids([first, last]))
    expect(ids(await world.ports.pending.listOf(deviceId, topicA))).toEqual([short.seq])
  })

  test('of a token that has died empties every slot, and sends nothing', async () => {
    const all = [inLine(1), inLine(2, 'score'), inLine(3)]
    await hold(...all)
    world.registry.change(deviceId, topicA, false, now)
    await deliver(all[0] as Notification, drainOnly, world.ports)
    expect(world.sent).toEqual([])
    for (const one of all) expect(endsOf(one)).toEqual(['stored', 'unregistered'])
    expect(await world.ports.pending.listOf(deviceId, topicA)).toEqual([])
  })

  test('that takes long leaves the rest to another message', async () => {
    const all = [inLine(1), inLine(2), inLine(3)]
    await hold(...all)
    world.queued.length = 0
    world.answers = ['acknowledged']
    world.beforeSend = () => {
      world.clock.time += DRAIN_WITHIN_MS + 1
    }
    expect(await deliver(all[0] as Notification, drainOnly, world.ports)).toBe('done')
    expect(ids(world.sent)).toEqual([all[0]?.seq])
    expect(world.queued).toEqual([{ seq: all[2]?.seq }])
  })

  test('tries what does not leave its slot a limited number of times, in one message', async () => {
    const [first, stuck] = [inLine(1), inLine(2)]
    await hold(first, stuck)
    world.queued.length = 0
    const { remove } = world.ports.pending
    world.ports.pending.remove = async (id, slot, seq) => seq !== stuck.seq && remove(id, slot, seq)
    world.answers = ['acknowledged']
    expect(await deliver(stuck, drainOnly, world.ports)).toBe('again')
    expect(endsOf(first)).toEqual(['stored', 'drained'])
    expect(await deliver(stuck, { ...drainOnly, last: true }, world.ports)).toBe('done')
    expect(world.queued).toEqual([])
  })

  test('of which nothing waits reads the line once', async () => {
    const reads = countReads()
    expect(await deliver(inLine(1), drainOnly, world.ports)).toBe('done')
    expect(reads()).toBe(1)
  })

  test('finds the rest although its own notification is gone', async () => {
    const [first, second] = [inLine(1), inLine(2)]
    await hold(first, second)
    await world.ports.pending.remove(deviceId, slotName(second), second.seq)
    world.answers = ['acknowledged']
    await deliver(second, drainOnly, world.ports)
    expect(ids(world.sent)).toEqual([first.seq])
  })

  test('ends what is one too many before it sends', async () => {
    const all = [1, 2, 3, 4].map((ms) => inLine(ms))
    for (const one of all) await world.ports.pending.put(one, now)
    world.answers = ['acknowledged']
    await deliver(all[3] as Notification, drainOnly, world.ports)
    expect(ids(world.sent)).toEqual(ids(all.slice(1)))
    expect(endsOf(all[0] as Notification)).toEqual(['coalesced'])
  })

  test('tells the device that nothing but its collapse id overtakes it', async () => {
    const one = inLine(1)
    await hold(one)
    world.answers = ['acknowledged']
    await deliver(one, drainOnly, world.ports)
    expect(world.told.at(-1)?.message).toMatchObject({ stored: true, pending: 'perCollapseId' })
    await deliver(notification({ deviceId }), once, world.ports)
    expect(world.told.at(-1)?.message).not.toHaveProperty('pending')
  })
})

describe('a device that is connected and silent', () => {
  const MOST = 20
  const retry = (one: Notification, number = 1) =>
    deliver(one, { number, last: number === MAX_RECEIVES, slotOnly: true }, world.ports)

  /** Holds them while the device acknowledges nothing, and lets the time of their retries come. */
  async function holdSilently(all: readonly Notification[]): Promise<void> {
    world.answers = ['unconfirmed']
    for (const one of all) await deliver(one, once, world.ports)
    world.told.length = 0
    world.clock.time += 1_000 * SLOT_RETRY_SECONDS
  }

  const flood = (count: number) =>
    Array.from({ length: count }, (_, at) => inLine(at + 1, `${at}`, { perCollapseId: MOST }))

  /** As an environment that knows nothing of the silence. */
  function forgetSilence(): void {
    Object.assign(world.ports, { silence: silence() })
  }

  test.each(['is known to be silent', 'is silent for all that is known'])(
    'and %s: of a flood one message is tried again',
    async (known) => {
      const all = flood(3 * MOST)
      const reads = countReads()
      await holdSilently(all)
      expect(world.queued).toHaveLength(all.length)
      const after: string[] = []
      for (const one of all) {
        if (known === 'is silent for all that is known') forgetSilence()
        after.push(await retry(one))
      }
      expect(after).toEqual(all.map((one) => (one === all.at(-1) ? 'again' : 'done')))
      expect(reads()).toBe(2 * all.length)
      expect(await world.ports.pending.listOf(deviceId, topicA)).toHaveLength(MOST)
    },
  )

  test('gets each one once when it answers again', async () => {
    const all = flood(3 * MOST)
    await holdSilently(all)
    const alive: Notification[] = []
    for (const one of all) if ((await retry(one)) === 'again') alive.push(one)
    world.told.length = 0
    world.answers = ['acknowledged']
    world.clock.time += LONGEST_SILENCE_MS
    await Promise.all(alive.map((one) => retry(one, 2)))
    expect(ids(world.sent)).toEqual(ids(all.slice(-MOST)))
    expect(await world.ports.pending.listOf(deviceId, topicA)).toEqual([])
  })

  test('costs no read of the line from the second attempt on, but for the last', async () => {
    const all = flood(2)
    await holdSilently(all)
    const newest = all[1] as Notification
    await retry(newest)
    const reads = countReads()
    expect(await retry(newest, 2)).toBe('again')
    expect(reads()).toBe(0)
    world.told.length = 0
    expect(await retry(newest, MAX_RECEIVES)).toBe('done')
    expect(reads()).toBe(1)
    expect(ids(world.sent)).toEqual([all[0]?.seq])
  })

  test('takes nobody the attempt by asking whether it is silent', async () => {
    const all = flood(2)
    await holdSilently(all)
    await retry(all[1] as Notification)
    world.told.length = 0
    world.clock.time += LONGEST_SILENCE_MS
    await retry(all[1] as Notification, 2)
    expect(ids(world.sent)).toEqual([all[0]?.seq])
  })

  test('keeps the message of one that is gone, if no newer one waits', async () => {
    const [first, gone] = flood(2) as [Notification, Notification]
    await holdSilently([first, gone])
    await world.ports.pending.remove(deviceId, slotName(gone), gone.seq)
    expect(await retry(gone)).toBe('again')
    world.answers = ['acknowledged']
    forgetSilence()
    expect(await retry(gone, 2)).toBe('done')
    expect(endsOf(first)).toEqual(['stored', 'drained'])
  })

  test('leaves nothing to one that may have used up its attempts', async () => {
    const [first, newest] = flood(2) as [Notification, Notification]
    await holdSilently([first, newest])
    world.clock.time = newest.acceptedAt + LEFT_TO_NEWEST_MS
    expect(await retry(first)).toBe('done')
    world.clock.time += 1
    expect(await retry(first)).toBe('again')
  })

  test('leaves nothing to the slot of a topic that keeps its newest', async () => {
    const first = inLine(1)
    await holdSilently([first, later(notification({ deviceId }), 2)])
    expect(await retry(first)).toBe('again')
  })
})

describe('whose message may end, because a newer one waits, is not forgotten:', () => {
  const [older, newer] = [inLine(1), inLine(2)]
  const endsItsMessage = async (one: Notification) => {
    world.answers = ['unconfirmed']
    expect(await deliver(one, drainOnly, world.ports)).toBe('done')
  }

  test('stored while the newer one is sent', async () => {
    await hold(newer)
    world.answers = ['acknowledged']
    world.beforeSend = async () => {
      await world.ports.pending.put(older, now)
    }
    await deliver(newer, drainOnly, world.ports)
    expect(ids(world.sent)).toEqual([newer.seq])
    expect(world.queued).toEqual([{ seq: older.seq }])
  })

  test('stored while the newer one is sent once more', async () => {
    world.answers = ['offline', 'acknowledged']
    world.beforeSend = async () => {
      if (world.sent.length === 1) await world.ports.pending.put(older, now)
    }
    await deliver(newer, once, world.ports)
    expect(world.queued).toEqual([{ seq: newer.seq }])
  })

  test.each([
    ['has expired', { expiration: now / 1000 + 1 }, 'expired'],
    ['has lost its token', {}, 'unregistered'],
  ] as const)('the newer one, which a crash kept from its message, %s', async (_, more, ends) => {
    const crashed = inLine(2, undefined, more)
    await hold(older)
    await world.ports.pending.put(crashed, now)
    await endsItsMessage(older)
    await world.ports.pending.remove(deviceId, slotName(crashed), crashed.seq)
    world.queued.length = 0
    world.clock.time = now + 2_000
    if (ends === 'unregistered') world.registry.change(deviceId, topicA, false, now)
    await deliver(crashed, { ...once, number: 2 }, world.ports)
    expect(endsOf(crashed)).toEqual([ends])
    expect(world.queued).toEqual([{ seq: crashed.seq }])
  })

  test('the newer one is taken out of its slot, as its token has died', async () => {
    await hold(older)
    world.answers = ['offline']
    world.beforeSend = () => {
      world.registry.change(deviceId, topicA, false, now)
    }
    await deliver(newer, once, world.ports)
    expect(endsOf(newer)).toEqual(['unregistered'])
    expect(world.queued).toEqual([{ seq: newer.seq }])
  })

  test('a topic that keeps its newest needs none of these', async () => {
    const one = notification({ deviceId, expiration: now / 1000 + 1 })
    world.clock.time = now + 2_000
    await deliver(one, { ...once, number: 2 }, world.ports)
    world.registry.change(deviceId, topicA, false, now)
    await deliver(notification({ deviceId }), { ...once, number: 2 }, world.ports)
    world.answers = ['offline']
    await deliver(later(notification({ deviceId }), 2_000), once, world.ports)
    expect(world.queued).toEqual([])
  })
})

test('connect asks for one drain of a topic with many slots, and for one of each other slot', async () => {
  world.register(deviceId, topicB)
  const inB = notification({ deviceId, topic: topicB })
  const [newest, older] = [inLine(2), inLine(1, 'score')]
  await hold(newest, older, inB)
  world.queued.length = 0
  const request = { deviceId, receivedAt: now, body: { tokens: [] } }
  const result = await connect(request, world.ports)
  expect(result).toMatchObject({ pending: 3 })
  // its message is the one that is tried again
  expect(ids(world.queued).sort()).toEqual(ids([newest, inB]).sort())
})

test('unregister empties every slot of the topic, and of no other', async () => {
  world.register(deviceId, topicB)
  const [inA, inB] = [inLine(1), notification({ deviceId, topic: topicB })]
  await hold(notification({ deviceId }), inA, inLine(2, 'score'), inB)
  await endRegistration(deviceId, topicA, now, world.ports)
  expect(ids(await world.ports.pending.list(deviceId))).toEqual([inB.seq])
  expect(world.kinds.filter((kind) => kind === 'unregistered')).toHaveLength(3)
})

describe('the name of a slot', () => {
  const names = [
    'com.example.app',
    'com.example.app.voip',
    'com.example.app-2',
    'com.example.app_2',
  ]
  test.each(names)('is among those of its topic %s and of no other', (topic) => {
    const { first, last } = slotsOf(topic as Topic)
    const own = [inLine(1), inLine(1, 'score'), inLine(1, '\u{10ffff}'), inLine(1, '')].map((one) =>
      slotName({ ...one, topic: topic as Topic }),
    )
    for (const name of [topic, ...own]) expect(name >= first && name < last).toBe(true)
    for (const other of names.filter((one) => one !== topic))
      expect(other >= first && other < last).toBe(false)
  })

  test('stays the same: rows are kept for a month', () => {
    const one = inLine(1)
    expect(slotName(one)).toBe(`${topicA}#seq:${one.seq}`)
    expect(slotName({ ...one, collapseId: 'score' })).toBe(`${topicA}#collapse:score`)
    // a collapse id is text of the provider's, and may be any
    expect(slotName({ ...one, collapseId: '' })).toBe(`${topicA}#collapse:`)
  })

  test('is that of the topic where it keeps its newest', () => {
    expect(slotName(notification({ collapseId: 'score' }))).toBe(topicA)
  })
})

describe('the rules', () => {
  test('say how many of which topic', () => {
    const rules = parsePendingRules(
      '{"com.example.a":{"perCollapseId":4},"com.example.b":"newest"}',
    )
    expect(perCollapseIdOf(rules, 'com.example.a' as Topic)).toBe(4)
    expect(perCollapseIdOf(rules, 'com.example.b' as Topic)).toBeUndefined()
    expect(perCollapseIdOf(rules, 'constructor' as Topic)).toBeUndefined()
  })

  test.each([
    'null',
    '[]',
    '3',
    '"newest"',
    '{"a":"oldest"}',
    '{"a":"newest","b":"oldest"}',
    '{"a":{"perCollapseId":0}}',
    '{"a":{"perCollapseId":101}}',
    '{"a":{"perCollapseId":1.5}}',
    '{"a":{"perCollapseId":1,"more":1}}',
  ])('refuse %s', (text) => {
    expect(() => parsePendingRules(text)).toThrow('malformed')
  })
})
