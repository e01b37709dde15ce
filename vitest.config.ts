import { defineConfig } from 'vitest/config'

/** These run the synthesized stacks; the others need no assembly. */
const onStacks = ['test/e2e/**/*.test.ts', 'test/apns/**/*.test.ts', 'test/attacks/**/*.test.ts']

/** Where the clock is replaced, what an earlier file left running would set its timers on the replaced clock. */
export const onAnotherClock = [
  'packages/aws/test/lean/retry.test.ts',
  'packages/embedded-cloud/test/schedules.test.ts',
  'packages/embedded-cloud/test/sqs-queue.test.ts',
  'packages/listener/test/http2-watch.test.ts',
  'packages/listener/test/protocol.test.ts',
  'packages/machine/test/expiry.test.ts',
  'packages/machine/test/grace.test.ts',
  'packages/machine/test/identity.test.ts',
  'packages/machine/test/pipeline.test.ts',
  'packages/operator/test/console/life.test.ts',
  'packages/operator/test/fleet-life.test.ts',
  'test/lambdas/http.test.ts',
]

/** What these do to the process or to a module would reach the next file. */
const onTheirOwn = [
  ...onAnotherClock,
  'packages/aws/test/lean/**/*.test.ts',
  'packages/embedded-cloud/test/{functions,gateway-abuse,sns}.test.ts',
]

/** The condition under which the packages export their sources instead of what they are built to. */
const conditions = ['heliograph', 'node', 'development|production']

/** For every environment: a global setup has one of its own beside the tests'. */
export const sources = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  environments: { ssr: { resolve: { conditions } }, __vitest__: { resolve: { conditions } } },
}

export default defineConfig({
  ...sources,
  test: {
    // CloudFormation's own rules are checked by every `cdk synth`; here they would double the time of each
    env: { CDK_VALIDATION: 'false' },
    // more than two cores have work for, as a test waits a third of its time; with the servers they start it is enough
    maxWorkers: 3,
    // far above what a test takes alone: a busy machine must not fail one
    testTimeout: 180_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
          exclude: [...onStacks, ...onTheirOwn, '**/node_modules/**'],
          // half of the time of a small file is loading what the file before it had loaded
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: onTheirOwn } },
      {
        extends: true,
        test: {
          name: 'stacks',
          include: onStacks,
          globalSetup: ['test/global-setup.ts'],
          // they share what they load, and those that can a cloud: test/e2e/shared-target.ts
          isolate: false,
        },
      },
    ],
  },
})
