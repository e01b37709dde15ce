import { fileURLToPath } from 'node:url'

/** The package whose rules are broken, one by one; its own tests have to notice. */
const name = process.env.MUTATED_PACKAGE ?? 'core'

export default {
  plugins: [
    '@stryker-mutator/vitest-runner',
    fileURLToPath(new URL('./ignore-wording.mjs', import.meta.url)),
  ],
  ignorers: ['wording'],
  testRunner: 'vitest',
  // a mutant that acts while its file is loaded is judged by the tests that load the file
  vitest: { configFile: 'tools/mutate/vitest.config.ts', related: true },
  mutate: [`packages/${name}/src/**/*.ts`],
  // all else is copied: a test file that lacks one it imports is not run, and nothing says so
  ignorePatterns: ['cdk.out', '.heliograph', 'coverage', '**/dist'],
  tsconfigFile: 'tools/mutate/no-tsconfig.json',
  coverageAnalysis: 'perTest',
  disableTypeChecks: false,
  concurrency: 2,
  timeoutMS: 8000,
  tempDirName: '.stryker/tmp',
  incremental: true,
  incrementalFile: `.stryker/${name}-incremental.json`,
  htmlReporter: { fileName: `.stryker/${name}.html` },
  jsonReporter: { fileName: `.stryker/${name}.json` },
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  warnings: { slow: false },
  thresholds: { high: 95, low: 90, break: 90 },
}
