/**
 * What an emulator cannot do, in one place: each is shown as skipped with its reason, and listed in
 * `docs/localstack.md`.
 */

/** By a test's name. */
export const testsLeftOut: Readonly<Record<string, string>> = {
  'receives its pending notification after a restart of the whole cloud':
    'MiniStack keeps everything in memory: a restart would be a new cloud',
  'one that expired, and one that had a single attempt':
    'MiniStack removes expired items after a minute',
}

/** By file. */
export const filesLeftOut: Readonly<Record<string, string>> = {
  'test/e2e/calls.test.ts':
    'counts calls by function at the embedded cloud’s endpoint, where every function has a key of its own',
  'test/e2e/broken-templates.test.ts': 'shows that the embedded cloud refuses broken templates',
  'test/e2e/canary.test.ts':
    'the canary would have to reach the edge and the broker, which are beside the emulator',
  'test/e2e/direct-messages.test.ts':
    'plays a region without SendDirectMessage by the embedded cloud’s fault switch',
  'test/e2e/failed-receipts.test.ts': 'breaks calls by the embedded cloud’s fault switch',
  'test/e2e/operator.test.ts':
    'breaks truststore and token keys on purpose, which all files share here',
  'test/e2e/pending.test.ts':
    'sets how many notifications wait in the template of the stage, which all files share here',
  'test/e2e/stats.test.ts': 'MiniStack makes no metrics of logs',
  'test/e2e/teardown.test.ts': 'destroys the stage, which all files share here',
  'test/e2e/transcript.test.ts': 'shows the commands on a deployment that nobody else uses',
  'test/e2e/revocation-bound.test.ts': 'waits half a minute; LONG_TESTS=1 on the embedded cloud',
  'test/e2e/quality.test.ts':
    'has DynamoDB remove expired items within a tenth of a second and breaks calls by the embedded cloud’s fault switch',
  'test/e2e/renewal.test.ts':
    'deploys certificates of two minutes, which all files would share here',
  'test/e2e/move.test.ts': 'changes the template of the stage, which all files share here',
  'test/e2e/upgrade.test.ts': 'begins with the version before, on the same state',
  'test/e2e/provider-tokens.test.ts': 'lowers the trust cache; token-domain.test.ts runs here',
  'test/e2e/trust.test.ts':
    'lowers the trust cache and kills execution environments, which an emulator’s Lambda does not offer',
}
