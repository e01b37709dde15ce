/** What the service on one machine has no counterpart of; each is shown as skipped with its reason. */

/** By a test's name. */
export const testsLeftOut: Readonly<Record<string, string>> = {
  'has no conversation without a certificate':
    'certificates are asked for and not demanded, as at Apple: who has none may have a token',
  'has none with a certificate of a foreign CA, the same names on it':
    'the rules answer 403 BadCertificate where API Gateway ends the connection',
  'a token does not make up for a certificate, and is not looked at beside one':
    'there is one address for both: who has no certificate may have a token',
  'is kept in the dead-letter queue': 'puts a message into SQS',
  'costs nobody a notification: with apns-expiration 0 six of six arrive, each once':
    'there are no execution environments that freeze',
  'of a device that may not receive: Undeliverable, and no slot is left':
    'there are no IoT policies: who is connected may receive',
}

/** By file. */
export const filesLeftOut: Readonly<Record<string, string>> = {
  'test/e2e/broken-templates.test.ts': 'there are no templates',
  'test/e2e/calls.test.ts': 'there are no calls of AWS to count',
  'test/e2e/canary.test.ts': 'there is no canary',
  'test/e2e/direct-messages.test.ts': 'plays a region without SendDirectMessage',
  'test/e2e/failed-receipts.test.ts':
    'there are no IoT policies, and no table of DynamoDB to break; packages/machine/test/pipeline.test.ts gives up, too',
  'test/e2e/inspect.test.ts': 'inspect is a function that AWS invokes',
  'test/e2e/teardown.test.ts': 'destroys the stacks of a stage',
  'test/e2e/move.test.ts': 'has a machine and an embedded cloud of its own: it runs with npm test',
  'test/e2e/upgrade.test.ts': 'begins with the stacks of the version before',
  'test/apns/behaviors.test.ts': 'breaks services of AWS behind the edge',
  'test/attacks/embedded-endpoint.test.ts': 'attacks the AWS endpoint of the embedded cloud',
  'test/attacks/irrevocable-device.test.ts':
    'writes DynamoDB items that are as large as they can be',
  'test/attacks/tokens-in-tables.test.ts': 'reads the tables with the AWS SDK',
  'test/attacks/forged-notifications.test.ts':
    'writes into the queue and the table with the AWS SDK',
  'test/e2e/operator.test.ts':
    'breaks truststore, tables and queues with the AWS SDK; packages/operator/test has the machine’s',
  'test/e2e/transcript.test.ts': 'the README’s transcript is of the embedded cloud',
  'test/attacks/foreign-certificate.test.ts':
    'writes into the registry of IoT Core; packages/machine/test/device-server.test.ts has the machine’s',
  'test/attacks/junk-activations.test.ts': 'counts invocations of a function and calls of AWS',
  'test/attacks/register-flood.test.ts': 'counts invocations of a function',
  'test/e2e/campaign.test.ts': 'puts a thousand registrations into the table with the AWS SDK',
  'test/attacks/too-many-registrations.test.ts': 'fills the table with the AWS SDK',
  'test/attacks/dead-letters.test.ts': 'puts messages into the queues of SQS',
}
