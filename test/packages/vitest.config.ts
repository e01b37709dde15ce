import { defineConfig } from 'vitest/config'
import { sources } from '../../vitest.config.ts'

/** `npm run test:packages`: the packages for others, packed, installed and used elsewhere. */
export default defineConfig({
  ...sources,
  test: {
    include: ['test/packages/**/*.packed.ts'],
    testTimeout: 180_000,
    // downloads what the packages depend on
    hookTimeout: 600_000,
  },
})
