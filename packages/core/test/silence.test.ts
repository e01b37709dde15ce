import { FIRST_SILENCE_MS, LONGEST_SILENCE_MS } from '@heliograph/protocol/retry'
import { beforeEach, describe, expect, test } from 'vitest'
import { newDevice, now } from '../../../test/contract/samples.ts'
import { type Silence, silence } from '../src/delivery/silence.ts'
import type { Sent } from '../src/ports.ts'

const device = newDevice()
const outcomes: readonly Sent[] = ['acknowledged', 'offline', 'busy', 'refused']

let memory: Silence
let time: number
beforeEach(() => {
  memory = silence()
  time = now
})

const holds = (ms = 0) => memory.holds(device, time + ms)
const note = (sent: Sent) => memory.note(device, sent, time)

/** Tries the device as soon as it may, without an answer; returns how long that took. */
function tryInVain(): number {
  const before = time
  while (holds()) time += FIRST_SILENCE_MS
  note('unconfirmed')
  return time - before
}

test('a device of which nothing is known, or which acknowledges, is waited for', () => {
  expect(holds()).toBe(false)
  note('acknowledged')
  expect(holds()).toBe(false)
})

test('nothing waits for a device for a while after it acknowledged nothing, whichever way the clock goes', () => {
  note('unconfirmed')
  expect([0, FIRST_SILENCE_MS - 1, 1 - FIRST_SILENCE_MS].map(holds)).toEqual([true, true, true])
  expect(memory.holds(newDevice(), time)).toBe(false)
  expect(holds(FIRST_SILENCE_MS)).toBe(false)
})

test('a clock that was set back makes no silence longer', () => {
  note('unconfirmed')
  expect(holds(-FIRST_SILENCE_MS)).toBe(false)
})

test('messages that were on their way together when it fell silent count once', () => {
  note('unconfirmed')
  note('unconfirmed')
  expect([holds(FIRST_SILENCE_MS - 1), holds(FIRST_SILENCE_MS)]).toEqual([true, false])
})

test('however often a device has answered, its next silence is as long as the first', () => {
  note('unconfirmed')
  for (let n = 0; n < 9; n += 1) note('acknowledged')
  note('unconfirmed')
  expect([holds(FIRST_SILENCE_MS - 1), holds(FIRST_SILENCE_MS)]).toEqual([true, false])
})

test('devices that answer take no room', () => {
  memory = silence(2)
  const [recovered, late] = [newDevice(), newDevice()]
  note('unconfirmed')
  for (let n = 0; n < 5; n += 1) memory.note(newDevice(), 'acknowledged', now)
  memory.note(recovered, 'unconfirmed', now)
  memory.note(recovered, 'acknowledged', now)
  memory.note(late, 'unconfirmed', now)
  expect([holds(), memory.holds(late, now)]).toEqual([true, true])
})

describe('after a silence', () => {
  beforeEach(() => {
    note('unconfirmed')
    time += FIRST_SILENCE_MS
  })

  test('one tries, and the others are held', () => {
    expect([holds(), holds(), holds()]).toEqual([false, true, true])
  })

  test('another tries if the first one never said what came of it', () => {
    expect([holds(), holds(FIRST_SILENCE_MS)]).toEqual([false, false])
  })

  test('each attempt without an answer doubles it, up to about a minute', () => {
    const pauses = Array.from({ length: 9 }, tryInVain)
    const doubled = [0, 2, 4, 8, 16, 32, 64, 64, 64].map((times) => times * FIRST_SILENCE_MS)
    expect(pauses).toEqual(doubled)
    expect(LONGEST_SILENCE_MS).toBe(64 * FIRST_SILENCE_MS)
  })

  test('messages that were on their way together count once', () => {
    tryInVain()
    for (let more = 0; more < 9; more += 1) note('unconfirmed')
    expect(tryInVain()).toBe(2 * FIRST_SILENCE_MS)
  })

  test.each(outcomes)('%s ends it', (sent) => {
    tryInVain()
    note(sent)
    expect([holds(), holds()]).toEqual([false, false])
  })

  test('a device that answers every other time is left alone for longer each time but one', () => {
    tryInVain()
    tryInVain()
    expect(tryInVain()).toBe(4 * FIRST_SILENCE_MS)
    note('acknowledged')
    expect(tryInVain()).toBe(0)
    expect(tryInVain()).toBe(8 * FIRST_SILENCE_MS)
  })

  test('it is forgotten once the device has answered often enough', () => {
    tryInVain()
    note('acknowledged')
    note('acknowledged')
    note('unconfirmed')
    expect([holds(FIRST_SILENCE_MS - 1), holds(FIRST_SILENCE_MS)]).toEqual([true, false])
  })
})

test('as many devices are remembered as there is room for; the one noted first is forgotten', () => {
  memory = silence(2)
  const [first, second, third] = [newDevice(), newDevice(), newDevice()]
  for (const one of [first, second, first, third]) memory.note(one, 'unconfirmed', now)
  const held = [first, second, third].map((one) => memory.holds(one, now))
  expect(held).toEqual([true, false, true])
})
