import { defineConfig } from 'vitest/config'
import { sources } from '../../vitest.config.ts'

/** Each page's main act, on a deployment. */
const acts = ['test/console/acts.browser.ts']

/** The console in Chromium: `npm run test:console`. */
export default defineConfig({
  ...sources,
  test: {
    // one browser at a time
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 240_000,
    projects: [
      {
        extends: true,
        test: { name: 'page', include: ['test/console/*.browser.ts'], exclude: acts },
      },
      {
        extends: true,
        test: {
          name: 'embedded',
          include: acts,
          env: { TARGET: 'embedded' },
          globalSetup: ['test/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'machine',
          include: acts,
          env: { TARGET: 'machine' },
          // a machine has none
          provide: { assembly: '' },
        },
      },
    ],
  },
})
