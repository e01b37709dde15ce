import { defineConfig } from 'vitest/config'
import { sources } from '../../vitest.config.ts'

/** The console in Chromium: `npm run test:console`. */
export default defineConfig({
  ...sources,
  test: {
    include: ['test/console/*.browser.ts'],
    // one browser at a time
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 240_000,
  },
})
