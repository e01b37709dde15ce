import { defineConfig } from 'vitest/config'
import { sources } from '../../vitest.config.ts'

export default defineConfig({
  ...sources,
  test: {
    include: ['test/runtime/**/*.runtime.ts'],
    globalSetup: ['test/global-setup.ts'],
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 240_000,
  },
})
