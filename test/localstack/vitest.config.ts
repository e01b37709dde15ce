import { defineConfig } from 'vitest/config'
import { filesLeftOut } from '../../tools/emulators/skips.ts'
import { sources } from '../../vitest.config.ts'

/** The end-to-end tests on the deployment that `run.ts` made. */
export default defineConfig({
  ...sources,
  test: {
    include: ['test/e2e/**/*.test.ts', 'test/localstack/**/*.deployed.ts'],
    exclude: Object.keys(filesLeftOut),
    setupFiles: ['test/targets/skip.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
