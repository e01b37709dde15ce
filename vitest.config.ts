import { defineConfig } from 'vitest/config'

/** These run the synthesized stacks; the others need no assembly. */
const onStacks = ['test/e2e/**/*.test.ts', 'test/apns/**/*.test.ts', 'test/faults/**/*.test.ts']

export default defineConfig({
  test: {
    // workers compete for two cores with the servers they start
    maxWorkers: 2,
    // far above what a test takes alone: a busy machine must not fail one
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: onStacks },
      },
      {
        extends: true,
        test: { name: 'stacks', include: onStacks, globalSetup: ['test/global-setup.ts'] },
      },
    ],
  },
})
