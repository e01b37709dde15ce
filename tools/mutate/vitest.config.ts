import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { sources } from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The unit tests of the pure packages. Stryker runs them in a copy of the repository. */
export default defineConfig({
  ...sources,
  root,
  resolve: {
    ...sources.resolve,
    // `node_modules` of the copy leads back to the sources that hold no mutants
    alias: [
      { find: /^@heliograph\/(core|protocol)\/(.+)$/, replacement: `${root}packages/$1/src/$2.ts` },
    ],
  },
  test: {
    include: [`packages/${process.env.MUTATED_PACKAGE ?? '*'}/test/**/*.test.ts`],
    // what only a random request notices is noticed in one run and not in the next
    exclude: ['**/*-fuzz.test.ts'],
    setupFiles: ['tools/mutate/setup.ts'],
    env: { RANDOM_TOKENS: '200' },
    // the rules keep no state of their own, and loading them anew for each file takes longest
    isolate: false,
    maxWorkers: 1,
    testTimeout: 60_000,
  },
})
