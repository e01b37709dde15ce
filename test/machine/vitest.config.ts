import { defineConfig } from 'vitest/config'
import { sources } from '../../vitest.config.ts'
import { filesLeftOut } from './skips.ts'

/** What the stacks must do, on one machine: `npm run test:machine`. */
export default defineConfig({
  ...sources,
  test: {
    include: ['test/{e2e,apns,attacks}/**/*.test.ts', 'test/machine/**/*.live.ts'],
    exclude: Object.keys(filesLeftOut),
    setupFiles: ['test/targets/skip.ts'],
    env: { TARGET: 'machine' },
    // a test that inject()s the synthesized stacks is one for the skips
    provide: { assembly: '' },
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
