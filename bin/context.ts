import { readFileSync } from 'node:fs'

/**
 * What the CDK command hands to the app, chiefly the feature flags of `cdk.json`. With it, running
 * `bin/app.ts` alone makes the same templates, and so does a test.
 */
export function cdkContext(): Record<string, unknown> {
  const file = new URL('../cdk.json', import.meta.url)
  return {
    ...JSON.parse(readFileSync(file, 'utf8')).context,
    'aws:cdk:enable-path-metadata': true,
    'aws:cdk:enable-asset-metadata': true,
  }
}
