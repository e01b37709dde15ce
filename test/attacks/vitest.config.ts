import { defineConfig } from 'vitest/config'
import { sources } from '../../vitest.config.ts'

/** `npm run attacks`: every attack, those that `npm test` leaves out as too long included. */
export default defineConfig({
  ...sources,
  test: {
    include: ['test/attacks/**/*.test.ts', 'test/attacks/**/*.long.ts'],
    globalSetup: ['test/global-setup.ts'],
    // an attack is measured: nothing else shall compete with it
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
})
