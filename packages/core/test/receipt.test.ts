import { outcomeKinds } from '@heliograph/protocol/outcome'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { later, notification, now } from '../../../test/contract/samples.ts'
import { type Outcome, outcomeOf } from '../src/outcome.ts'
import { isEnd, LAG_MS, receiptOf, receiptsOf, transitions } from '../src/receipts/receipt.ts'

const one = notification({ acceptedAt: now })
const at = (kind: Outcome['kind'], ms: number) => outcomeOf(kind, one, now + ms)
const kindsOf = (outcomes: readonly Outcome[]) =>
  receiptOf(outcomes)?.events.map(({ kind, repeat }) => (repeat ? `${kind} again` : kind))

describe('a receipt', () => {
  test('begins with the acceptance, which every outcome carries', () => {
    const receipt = receiptOf([at('delivered', 120)])
    expect(receipt).toMatchObject({ id: one.id, uniqueId: one.uniqueId, state: 'delivered' })
    expect(receipt?.events).toEqual([
      { kind: 'accepted', at: now, age: 0 },
      { kind: 'delivered', at: now + 120, age: 120 },
    ])
  })

  test('says nothing of what, for whom by which token, and to whom else', () => {
    const text = JSON.stringify(receiptOf([at('delivered', 1)]))
    expect(text).not.toContain(one.payload)
    expect(text).not.toContain(one.tokenFingerprint)
  })

  test('is in the order of time, whatever order the outcomes come in', () => {
    const outcomes = [at('drained', 900), at('stored', 10), at('accepted', 3)]
    expect(kindsOf(outcomes)).toEqual(['accepted', 'stored', 'drained'])
    expect(receiptOf(outcomes)?.state).toBe('drained')
  })

  test('names the newer one that took the slot', () => {
    const newer = later(one)
    const replaced = outcomeOf('coalesced', one, now + 5, newer)
    expect(receiptOf([at('stored', 1), replaced])?.events.at(-1)).toEqual({
      ...{ kind: 'coalesced', at: now + 5, age: 5 },
      replacedBy: newer.uniqueId,
    })
  })

  test('tells a repeat from what ended the notification', () => {
    expect(kindsOf([at('delivered', 1), at('delivered', 9_000)])).toEqual([
      'accepted',
      'delivered',
      'delivered again',
    ])
    const after = [at('delivered', 1), at('stored', 9_000), at('drained', 9_500)]
    expect(kindsOf(after)).toEqual(['accepted', 'delivered', 'stored again', 'drained again'])
    expect(receiptOf(after)?.state).toBe('delivered')
    expect(receiptOf(after)?.incomplete).toBeUndefined()
  })

  test('says that something is missing where a drained one was never stored', () => {
    expect(receiptOf([at('drained', 1)])).toMatchObject({ state: 'drained', incomplete: true })
    expect(receiptOf([at('stored', 1), at('drained', 2)])?.incomplete).toBeUndefined()
  })

  test('knows that the end of what is in a slot may be recorded before that it was stored', () => {
    const early = [at('drained', 100), at('stored', 100 + LAG_MS)]
    expect(kindsOf(early)).toEqual(['accepted', 'stored', 'drained'])
    const late = [at('drained', 100), at('stored', 101 + LAG_MS)]
    expect(kindsOf(late)).toEqual(['accepted', 'drained', 'stored again'])
    expect(kindsOf([at('coalesced', 6), at('stored', 9)])).toEqual([
      'accepted',
      'stored',
      'coalesced',
    ])
    expect(kindsOf([at('stored', 7), at('coalesced', 7)])).toEqual([
      'accepted',
      'stored',
      'coalesced',
    ])
    expect(kindsOf([at('delivered', -30)])).toEqual(['accepted', 'delivered'])
  })

  test('lacks nothing where a second hand-out is recorded before the end that the slot came to', () => {
    const overtaken = [at('stored', 5), at('delivered', 900), at('drained', 901)]
    expect(kindsOf(overtaken)).toEqual(['accepted', 'stored', 'delivered', 'drained again'])
    expect(receiptOf(overtaken)?.incomplete).toBeUndefined()
    expect(receiptOf([at('stored', 5), at('delivered', 900)])?.incomplete).toBe(true)
  })

  test('lacks something where a stored one is a duplicate, whatever follows', () => {
    const odd = [at('stored', 5), at('duplicate', 900), at('drained', 901)]
    expect(receiptOf(odd)).toMatchObject({ state: 'duplicate', incomplete: true })
  })

  test('of one moment is the same in whatever order the outcomes come: stored first', () => {
    const moment = [at('delivered', 7), at('stored', 7), at('drained', 8)]
    const expected = ['accepted', 'stored', 'delivered', 'drained again']
    expect(kindsOf(moment)).toEqual(expected)
    expect(kindsOf(moment.toReversed())).toEqual(expected)
  })

  test('tells that it was accepted or stored again', () => {
    const again = [at('accepted', 0), at('stored', 1), at('stored', 9_000), at('accepted', 10_000)]
    expect(kindsOf(again)).toEqual(['accepted', 'accepted again', 'stored', 'stored again'])
    expect(receiptOf(again)?.incomplete).toBeUndefined()
  })

  test('goes by time also where nothing of it was in a slot', () => {
    const late = [at('delivered', 9_000), at('dead-lettered', 5)]
    expect(kindsOf(late)).toEqual(['accepted', 'dead-lettered', 'delivered'])
  })

  test('goes on after a dead letter, which an operator may hand out again', () => {
    expect(kindsOf([at('dead-lettered', 5), at('delivered', 90)])).toEqual([
      'accepted',
      'dead-lettered',
      'delivered',
    ])
    expect(receiptOf([at('dead-lettered', 5), at('delivered', 90)])?.state).toBe('delivered')
  })

  test('of nothing is none', () => {
    expect(receiptOf([])).toBeUndefined()
  })

  test('loses nothing, and has one end at most that is not a repeat', () => {
    const outcome = fc.record({ kind: fc.constantFrom(...outcomeKinds), ms: fc.nat(20_000) })
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1 }), (drawn) => {
        const outcomes = drawn.map(({ kind, ms }) => at(kind, ms))
        const receipt = receiptOf(outcomes)
        const given = outcomes.map(({ kind }) => kind)
        const added = given.includes('accepted') ? [] : ['accepted']
        expect(receipt?.events.map(({ kind }) => kind).sort()).toEqual([...given, ...added].sort())
        const ends = receipt?.events.filter(({ kind, repeat }) => isEnd(kind) && !repeat) ?? []
        expect(ends.length).toBeLessThanOrEqual(1)
        expect(receipt?.state).toBe(receipt?.events.filter(({ repeat }) => !repeat).at(-1)?.kind)
      }),
    )
  })
})

test('notifications under one id have a receipt each, the newest first', () => {
  const second = later(one, 50, { id: one.id })
  const receipts = receiptsOf([
    at('stored', 1),
    outcomeOf('delivered', second, now + 60),
    at('coalesced', 70),
  ])
  expect(receipts.map(({ uniqueId, state }) => [uniqueId, state])).toEqual([
    [second.uniqueId, 'delivered'],
    [one.uniqueId, 'coalesced'],
  ])
})

test('every outcome but acceptance can be reached, and every way leads to an end', () => {
  const reachable = new Set(Object.values(transitions).flat())
  expect(reachable).toEqual(new Set(outcomeKinds.filter((kind) => kind !== 'accepted')))
  for (const kind of outcomeKinds)
    expect(isEnd(kind) || transitions[kind].some(isEnd), kind).toBe(true)
})
