import { expect, test } from 'vitest'
import { isPriority } from '../src/priority.ts'

test.each([10, 5, 1])('%d is a priority', (value) => expect(isPriority(value)).toBe(true))

test.each([0, 2, '10', undefined, null])('%s is not one', (value) =>
  expect(isPriority(value)).toBe(false),
)
