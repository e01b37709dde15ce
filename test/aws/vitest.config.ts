import { defineConfig } from 'vitest/config'
import { sources } from '../../vitest.config.ts'
import { filesLeftOut } from './skips.ts'

const questions = 'test/aws/questions/*.live.ts'

/** The questions; on AWS the end-to-end tests before them. The embedded cloud has those in `npm test`. */
export default defineConfig({
  ...sources,
  test: {
    include: process.env.TARGET === 'aws' ? ['test/e2e/**/*.test.ts', questions] : [questions],
    exclude: Object.keys(filesLeftOut),
    ...(process.env.TARGET === 'aws'
      ? { setupFiles: ['test/targets/skip.ts'] }
      : { globalSetup: ['test/global-setup.ts'] }),
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
