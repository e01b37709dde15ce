import { describe, expect, test } from 'vitest'
import { notification, now, topicA, topicB } from '../../../test/contract/samples.ts'
import { outcomeOf } from '../src/outcome.ts'
import { parseReceiptSettings, wantsReceipt } from '../src/receipts/receipt-settings.ts'

const wants = (level: 'off' | 'exceptions' | 'all', kind: Parameters<typeof outcomeOf>[0]) =>
  wantsReceipt({ default: level, topics: {} }, outcomeOf(kind, notification(), now))

describe('which outcomes are kept', () => {
  test('off keeps none, all keeps every one', () => {
    for (const kind of ['accepted', 'stored', 'delivered', 'expired', 'dead-lettered'] as const) {
      expect(wants('off', kind)).toBe(false)
      expect(wants('all', kind)).toBe(true)
    }
  })

  test('exceptions keep all but what was delivered at once; what was stored comes to its end', () => {
    expect(wants('exceptions', 'accepted')).toBe(false)
    expect(wants('exceptions', 'delivered')).toBe(false)
    for (const kind of ['stored', 'drained', 'coalesced', 'expired', 'unregistered'] as const)
      expect(wants('exceptions', kind)).toBe(true)
  })

  test('a topic has its own setting, and no topic has one by its name alone', () => {
    const settings = { default: 'off', topics: { [topicA]: 'all' } } as const
    const delivered = (topic: typeof topicA) => outcomeOf('delivered', notification({ topic }), now)
    expect(wantsReceipt(settings, delivered(topicA))).toBe(true)
    expect(wantsReceipt(settings, delivered(topicB))).toBe(false)
    expect(wantsReceipt(settings, delivered('toString' as typeof topicA))).toBe(false)
  })
})

test('settings are read as they are written, and nothing else is', () => {
  const settings = { default: 'exceptions', topics: { [topicA]: 'off' } }
  expect(parseReceiptSettings(JSON.stringify(settings))).toEqual(settings)
  for (const bad of [
    ...['null', '1', '"all"', '[]', '{}', '{"topics":{}}', '{"default":"all"}'],
    ...['{"default":"some","topics":{}}', '{"default":"all","topics":{"a":1}}'],
    ...['{"default":"all","topics":null}', '{"default":"all","topics":1}'],
    '{"default":"all","topics":""}',
  ])
    expect(() => parseReceiptSettings(bad)).toThrow('malformed')
})
