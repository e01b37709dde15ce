import { defineConfig } from 'vitest/config'
import { sources } from '../vitest.config.ts'

/** `npm run test:long`: what is too long for `npm test`. The attacks have a command of their own. */
export default defineConfig({
  ...sources,
  test: {
    include: ['test/{apns,docs,e2e,simulation}/**/*.long.ts', 'packages/*/test/**/*.long.ts'],
    globalSetup: ['test/global-setup.ts'],
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
})
