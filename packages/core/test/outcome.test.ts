import { expect, test } from 'vitest'
import { later, notification, now } from '../../../test/contract/samples.ts'
import { outcomeOf, parseOutcomes, serializeOutcomes } from '../src/outcome.ts'

const one = notification({ acceptedAt: now, collapseId: 'c' })

test('an outcome says which notification, for whom, by which token, and how old it was', () => {
  const { id, uniqueId, topic, deviceId, seq, tokenFingerprint } = one
  expect(outcomeOf('delivered', one, now + 250)).toEqual({
    ...{ kind: 'delivered', id, uniqueId, topic, deviceId, seq, tokenFingerprint },
    ...{ idFromProvider: false, pushType: 'alert', priority: 10 },
    ...{ acceptedAt: now, at: now + 250, age: 250 },
  })
})

test('it never says what was sent', () => {
  expect(JSON.stringify(outcomeOf('stored', one, now))).not.toContain(one.payload)
})

test('clocks that differ make nothing younger than new', () => {
  expect(outcomeOf('accepted', one, now - 1).age).toBe(0)
  expect(outcomeOf('accepted', one, now).age).toBe(0)
})

test('an outcome may say which newer notification took the slot', () => {
  const newer = later(one)
  expect(outcomeOf('coalesced', one, now, newer).replacedBy).toBe(newer.uniqueId)
  expect(outcomeOf('coalesced', one, now)).not.toHaveProperty('replacedBy')
})

test('outcomes are read as they are written', () => {
  const outcomes = [outcomeOf('stored', one, now), outcomeOf('coalesced', one, now + 1, later(one))]
  expect(parseOutcomes(serializeOutcomes(outcomes))).toEqual(outcomes)
  expect(parseOutcomes('[]')).toEqual([])
})

test('what is not an outcome through and through is none', () => {
  const good = outcomeOf('stored', one, now)
  const bad: object[] = [
    { kind: 'lost' },
    { id: '1' },
    { uniqueId: 1 },
    { idFromProvider: 'no' },
    { topic: '' },
    { deviceId: 'x' },
    { seq: '1' },
    { tokenFingerprint: null },
    { pushType: 1 },
    { priority: 0.5 },
    { acceptedAt: '0' },
    { at: null },
    { age: Number.NaN },
    { replacedBy: 1 },
  ]
  for (const change of bad)
    expect(
      parseOutcomes(JSON.stringify([good, { ...good, ...change }])),
      JSON.stringify(change),
    ).toBe(undefined)
  for (const text of ['', 'null', '{}', '[1]', '[null]', JSON.stringify(good)])
    expect(parseOutcomes(text)).toBe(undefined)
})
