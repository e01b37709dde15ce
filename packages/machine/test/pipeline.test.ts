import type { Notification } from '@heliograph/core/notification'
import type { Sent } from '@heliograph/core/ports'
import type { Seq, Topic } from '@heliograph/protocol/identifiers'
import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FORGED_SEAL, later, notification } from '../../../test/contract/samples.ts'
import { Delivery } from '../../core/test/delivery-support.ts'
import { jsonLog } from '../src/log.ts'
import { HeldClaims } from '../src/pipeline/held-claims.ts'
import type { Journal } from '../src/pipeline/journal.ts'
import { Pipeline, type PipelineOptions } from '../src/pipeline/pipeline.ts'
import type { StoredClaims } from '../src/store/claims.ts'

/** A journal whose disk is as slow, or as full, as the test wants it. */
class SlowJournal implements Journal {
  readonly left = []
  readonly bytes = 0
  readonly problem = undefined
  readonly asked: Seq[] = []
  readonly finished: Seq[] = []
  readonly #waiting: { resolve(): void; reject(fault: unknown): void }[] = []

  add({ seq }: Notification): Promise<void> {
    this.asked.push(seq)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  done(seq: Seq): void {
    this.finished.push(seq)
  }

  sync(): void {
    for (const one of this.#waiting.splice(0)) one.resolve()
  }

  fail(): void {
    for (const one of this.#waiting.splice(0)) one.reject(new Error('no space left'))
  }

  keepSegments = () => () => {}
  close = async () => {}
}

let delivery: Delivery
let journal: SlowJournal
let dead: Notification[]
/** The messages under way, to be answered by the test. */
let sends: ((sent: Sent) => void)[]
let claimed: Seq[]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] })
  delivery = new Delivery()
  journal = new SlowJournal()
  ;[dead, sends, claimed] = [[], [], []]
})
afterEach(() => {
  vi.useRealTimers()
})

function open(change: Partial<PipelineOptions> = {}): Pipeline {
  const { queue: _, claims: __, isGenuine, ...ports } = delivery.ports
  const stored: StoredClaims = {
    holder: () => undefined,
    claim: async ({ seq }) => {
      claimed.push(seq)
      return seq
    },
  }
  return new Pipeline({
    ports,
    claims: new HeldClaims(stored, delivery.clock),
    ...{ journal, isGenuine, durability: 'delivered', mostOpen: 3, mostDrains: 10 },
    chance: () => 0,
    keepDeadLetter: async (one) => void dead.push(one),
    log: jsonLog(() => {}),
    ...change,
  })
}

/** Devices acknowledge when the test says so. */
function holdSends(): void {
  delivery.ports.connections.send = () => new Promise((resolve) => sends.push(resolve))
}

/** Whether a promise has come to its end by now, and how. */
function watch(promise: Promise<unknown>) {
  const state = { is: 'open' as 'open' | 'accepted' | 'refused' }
  promise.then(
    () => {
      state.is = 'accepted'
    },
    () => {
      state.is = 'refused'
    },
  )
  return state
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

function registered(change: Partial<Notification> = {}): Notification {
  const one = notification(change)
  delivery.register(one.deviceId, one.topic)
  return one
}

describe('delivered or durable', () => {
  test('a device that answers at once: accepted, and the disk is not asked', async () => {
    const pipeline = open()
    await pipeline.send(registered())
    await pass(100)
    expect(delivery.kinds).toEqual(['delivered'])
    expect(journal.asked).toEqual([])
    expect(pipeline.open).toBe(0)
  })

  test('a device that takes its time: accepted when the disk has it, and not before', async () => {
    holdSends()
    const pipeline = open()
    const one = registered()
    const state = watch(pipeline.send(one))
    await pass(3)
    expect(journal.asked).toEqual([])
    await pass(10)
    expect([state.is, journal.asked]).toEqual(['open', [one.seq]])
    journal.sync()
    await pass(0)
    expect(state.is).toBe('accepted')
    sends[0]?.('acknowledged')
    await pass(0)
    expect(delivery.kinds).toEqual(['delivered'])
    expect(journal.finished).toEqual([one.seq])
  })

  test('where devices have taken ten milliseconds of late, the disk is not asked before', async () => {
    holdSends()
    const pipeline = open()
    const takingTen = async () => {
      const one = registered()
      void pipeline.send(one)
      await pass(10)
      sends.pop()?.('acknowledged')
      await pass(0)
      return one.seq
    }
    journal.add = async ({ seq }) => void journal.asked.push(seq)
    const first = await takingTen()
    for (let n = 0; n < 100; n += 1) await takingTen()
    expect(journal.asked).toContain(first)
    expect(journal.asked).not.toContain(await takingTen())
  })

  test('acknowledged while the disk works: accepted, and the journal is told when it can be', async () => {
    holdSends()
    const pipeline = open()
    const one = registered()
    const state = watch(pipeline.send(one))
    await pass(10)
    sends[0]?.('acknowledged')
    await pass(0)
    expect([state.is, journal.finished]).toEqual(['accepted', []])
    journal.sync()
    await pass(0)
    expect(journal.finished).toEqual([one.seq])
  })

  test('neither: refused, and what has begun goes on', async () => {
    holdSends()
    const pipeline = open()
    const state = watch(pipeline.send(registered()))
    await pass(10)
    journal.fail()
    await pass(0)
    expect(state.is).toBe('refused')
    sends[0]?.('acknowledged')
    await pass(0)
    expect(delivery.kinds).toEqual(['delivered'])
    expect(pipeline.open).toBe(0)
  })

  test('offline: accepted when it is in its slot', async () => {
    delivery.answers = ['offline']
    const pipeline = open()
    const one = registered()
    await pipeline.send(one)
    expect(delivery.kinds).toEqual(['stored'])
    expect(delivery.slots.find(one.deviceId, one.topic)).toEqual(one)
  })
})

test('durability synced: accepted when the disk has it, whatever the device did', async () => {
  const pipeline = open({ durability: 'synced' })
  const state = watch(pipeline.send(registered()))
  await pass(100)
  expect([state.is, delivery.kinds]).toEqual(['open', ['delivered']])
  journal.sync()
  await pass(0)
  expect(state.is).toBe('accepted')
})

test('durability none: accepted at once, and the disk is not asked', async () => {
  holdSends()
  const state = watch(open({ durability: 'none' }).send(registered()))
  await pass(100)
  expect([state.is, journal.asked]).toEqual(['accepted', []])
})

test('what is under way is bounded, and there is room again when it ends', async () => {
  holdSends()
  const pipeline = open()
  const [one, another] = ['com.example.one' as Topic, 'com.example.another' as Topic]
  for (const topic of [one, one, another]) void pipeline.send(registered({ topic }))
  await expect(pipeline.send(registered({ topic: another }))).rejects.toThrow('too many')
  sends[0]?.('acknowledged')
  await pass(0)
  const state = watch(pipeline.send(registered({ topic: another })))
  await pass(10)
  expect(state.is).toBe('open')
})

test('a provider that floods its topic leaves half of the room to the others', async () => {
  holdSends()
  const pipeline = open({ mostOpen: 10 })
  const flood = 'com.example.flood' as Topic
  const sent = Array.from({ length: 20 }, () => watch(pipeline.send(registered({ topic: flood }))))
  await pass(0)
  expect(sent.filter(({ is }) => is === 'refused')).toHaveLength(15)
  const other = watch(pipeline.send(registered()))
  await pass(10)
  expect(other.is).toBe('open')
  sends[0]?.('acknowledged')
  await pass(0)
  expect(watch(pipeline.send(registered({ topic: flood }))).is).toBe('open')
  await pass(0)
  expect(pipeline.open).toBe(6)
})

describe('what fails', () => {
  test('is tried again after a rest, as a repeat', async () => {
    delivery.answers = ['busy', 'acknowledged']
    const pipeline = open()
    void pipeline.send(registered())
    await pass(500)
    expect(delivery.kinds).toEqual([])
    await pass(1_000)
    expect(delivery.kinds).toEqual(['delivered'])
  })

  test('again and again is kept for the operator, and is no longer under way', async () => {
    delivery.beforeSend = () => {
      throw new Error('broken')
    }
    const pipeline = open()
    const one = registered()
    void pipeline.send(one)
    await pass(0)
    journal.sync()
    for (let n = 0; n < MAX_RECEIVES; n += 1) {
      await pass(60_000)
      journal.sync()
    }
    expect(dead).toEqual([one])
    expect(delivery.kinds).toEqual(['dead-lettered'])
    expect(pipeline.open).toBe(0)
    expect(journal.finished).toEqual([one.seq])
  })
})

describe('on a full disk', () => {
  const full = async () => {
    throw new Error('no space left')
  }

  test('what was accepted is not given up: it goes on when there is space again', async () => {
    delivery.answers = ['offline']
    const letters = { keep: full as (one: Notification) => Promise<void> }
    const pipeline = open({ keepDeadLetter: (one) => letters.keep(one) })
    const one = registered()
    const { put } = delivery.ports.pending
    delivery.ports.pending.put = full as typeof put
    const state = watch(pipeline.send(one))
    await pass(10)
    journal.sync()
    await pass(0)
    expect(state.is).toBe('accepted')
    await pass(3_600_000)
    expect([pipeline.open, delivery.kinds, journal.finished]).toEqual([1, [], []])
    delivery.ports.pending.put = put
    await pass(120_000)
    expect(delivery.kinds).toEqual(['stored'])
    expect([pipeline.open, journal.finished]).toEqual([0, [one.seq]])
  })

  test('what was refused is not held: the provider sends it again', async () => {
    const pipeline = open({ mostOpen: 100 })
    delivery.answers = ['offline']
    delivery.ports.pending.put = full as typeof delivery.ports.pending.put
    const sent = Array.from({ length: 20 }, () => watch(pipeline.send(registered())))
    await pass(10)
    journal.fail()
    await pass(5_000)
    expect(sent.map(({ is }) => is)).toEqual(sent.map(() => 'refused'))
    expect(pipeline.open).toBe(0)
  })
})

describe('a start', () => {
  test('takes up what was left: into the slot of a device that is not there', async () => {
    delivery.answers = ['offline']
    const pipeline = open()
    const older = registered()
    const newer = later(older)
    await pipeline.resume([older, newer])
    expect(delivery.slots.find(older.deviceId, older.topic)).toEqual(newer)
    expect(journal.finished.toSorted()).toEqual([older.seq, newer.seq].toSorted())
  })

  test('sends nothing that accept has not made', async () => {
    const pipeline = open()
    await pipeline.resume([registered({ seal: FORGED_SEAL })])
    expect(delivery.sent).toEqual([])
  })

  test('sends nothing to a token that has died', async () => {
    const pipeline = open()
    await pipeline.resume([notification()])
    expect(delivery.sent).toEqual([])
    expect(delivery.kinds).toEqual(['unregistered'])
  })
})

describe('an id of the provider’s own', () => {
  const id = '123e4567-e89b-12d3-a456-4266554400a0' as Notification['id']

  test('that comes twice is delivered once, and its claim is written when it has ended', async () => {
    holdSends()
    const pipeline = open()
    const one = registered({ id, idFromProvider: true })
    const twin = { ...one, seq: later(one).seq }
    void pipeline.send(one)
    await pass(1)
    expect(claimed).toEqual([])
    await pipeline.send(twin)
    sends[0]?.('acknowledged')
    await pass(0)
    expect(delivery.kinds).toEqual(['duplicate', 'delivered'])
    expect(claimed).toContain(one.seq)
  })
})

describe('slots', () => {
  /** A notification in the slot of a device that may be there by now. */
  async function stored(pipeline: Pipeline): Promise<Notification> {
    delivery.answers = ['offline']
    const one = registered()
    await pipeline.send(one)
    delivery.answers = ['acknowledged']
    return one
  }

  test('are tried at once when their device connects', async () => {
    const pipeline = open()
    const one = await stored(pipeline)
    await pipeline.send(one, { slotOnly: true })
    await pass(0)
    expect(delivery.kinds).toEqual(['stored', 'drained'])
    expect(pipeline.waitingSlots).toBe(0)
  })

  test('are tried once however often the device connects meanwhile', async () => {
    const pipeline = open()
    const one = await stored(pipeline)
    for (let n = 0; n < 5; n += 1) await pipeline.send(one, { slotOnly: true, delaySeconds: 4 })
    expect(pipeline.waitingSlots).toBe(1)
    await pass(4_000)
    expect(delivery.kinds).toEqual(['stored', 'drained'])
  })

  test('that wait in order for a silent device have one attempt to come, however many they are', async () => {
    const pipeline = open({ mostOpen: 100 })
    delivery.answers = ['unconfirmed']
    const first = registered({ perCollapseId: 20 })
    const all = Array.from({ length: 30 }, (_, ms) => later(first, ms, { perCollapseId: 20 }))
    for (const one of all) await pipeline.send(one)
    expect(pipeline.waitingSlots).toBe(all.length)
    await pass(4_000)
    expect(pipeline.waitingSlots).toBe(1)
    delivery.told.length = 0
    delivery.answers = ['acknowledged']
    delivery.clock.time += 4_000
    await pass(4_000)
    expect(delivery.sent.map(({ seq }) => seq)).toEqual(all.slice(-20).map(({ seq }) => seq))
    expect(pipeline.waitingSlots).toBe(0)
  })

  test('that are asked for while they are tried are tried once more', async () => {
    const pipeline = open()
    const one = await stored(pipeline)
    holdSends()
    await pipeline.send(one, { slotOnly: true })
    await pass(0)
    await pipeline.send(one, { slotOnly: true })
    // the connection that this attempt used is gone
    sends[0]?.('offline')
    await pass(0)
    sends[1]?.('acknowledged')
    await pass(0)
    expect(delivery.kinds).toEqual(['stored', 'drained'])
  })
})
