import { expect, test } from 'vitest'
import { isPendingRule } from '../src/pending-rule.ts'

test.each(['newest', { perCollapseId: 1 }, { perCollapseId: 100 }])('%j is a rule', (value) =>
  expect(isPendingRule(value)).toBe(true),
)

const others: unknown[] = [
  ...['', 'oldest', undefined, null, 3, true, {}, []],
  ...[0, -1, 101, 1.5, '3', null].map((perCollapseId) => ({ perCollapseId })),
  { perCollapseId: 3, newest: true },
  // whoever misspells a rule must hear of it
  { percollapseid: 3 },
]

test.each(others.map((value) => [value]))('%j is not one', (value) =>
  expect(isPendingRule(value)).toBe(false),
)
