import { expect, test } from 'vitest'
import { parseStoragePolicy } from '../src/storage-policy.ts'

test.each([0, 1])('%d is a policy', (value) => expect(parseStoragePolicy(value)).toBe(value))

test.each([2, -1, '0', '1', true, false, null, undefined])('%j is not one', (value) =>
  expect(parseStoragePolicy(value)).toBeUndefined(),
)
