/** What is not run on AWS: shown as skipped with its reason, and listed in `docs/deploy.md`. */

/** By a test's name. */
export const testsLeftOut: Readonly<Record<string, string>> = {
  'receives its pending notification after a restart of the whole cloud': 'nobody restarts AWS',
  'is kept in the dead-letter queue': 'would set off the alarm of the stage',
}

/** By file. */
export const filesLeftOut: Readonly<Record<string, string>> = {
  'test/e2e/broken-templates.test.ts': 'needs other templates than those deployed',
  'test/e2e/calls.test.ts': 'counts calls at the embedded cloud’s endpoint',
  'test/e2e/canary.test.ts': 'makes the canary somebody else; how it does is one of the questions',
  'test/e2e/direct-messages.test.ts': 'plays a region without SendDirectMessage',
  'test/e2e/failed-receipts.test.ts': 'breaks calls by the embedded cloud’s fault switch',
  'test/e2e/operator.test.ts': 'breaks truststore and token keys on purpose',
  'test/e2e/pending.test.ts': 'needs a topic for which several notifications wait',
  'test/e2e/provider-tokens.test.ts': 'lowers the trust cache; token-domain.test.ts runs here',
  'test/e2e/quality.test.ts': 'breaks calls by the embedded cloud’s fault switch',
  'test/e2e/renewal.test.ts': 'needs certificates of two minutes',
  'test/e2e/revocation-bound.test.ts': 'is one of the questions',
  'test/e2e/stats.test.ts': 'is one of the questions: CloudWatch shows a new metric after minutes',
  'test/e2e/teardown.test.ts': 'destroys the stage',
  'test/e2e/transcript.test.ts': 'rotates token keys and revokes what others may use',
  'test/e2e/upgrade.test.ts': 'begins with the version before',
  'test/e2e/trust.test.ts': 'kills execution environments, which Lambda does not offer',
}
