import { expect, test } from 'vitest'
import { killAndLook } from './crashes.ts'
import { temporaryFolder } from './folder.ts'

test('60 kills lose nothing that was taken', { timeout: 600_000 }, async () => {
  expect(await killAndLook(temporaryFolder(), 60)).toBeGreaterThan(1_000)
})
