import { outcomeKinds } from '@heliograph/protocol/outcome'
import { expect, test } from 'vitest'
import { isRepeatable } from '../src/delivery/repeatable.ts'

test('only ends that change no table may wait for others', () => {
  expect(outcomeKinds.filter(isRepeatable)).toEqual(['delivered', 'duplicate'])
})
