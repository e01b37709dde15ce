import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  dynamoDbClient,
  iotDataClient,
  kmsClient,
  snsClient,
  sqsClient,
} from '../../src/clients.ts'
import { LeanClient } from '../../src/lean/client.ts'
import { stubLambdaEnvironment } from './services.ts'

// as the bundler does it
vi.mock('@aws-sdk/client-dynamodb', () => import('../../src/lean/client-dynamodb.ts'))
vi.mock('@aws-sdk/client-iot-data-plane', () => import('../../src/lean/client-iot-data-plane.ts'))
vi.mock('@aws-sdk/client-kms', () => import('../../src/lean/client-kms.ts'))
vi.mock('@aws-sdk/client-sns', () => import('../../src/lean/client-sns.ts'))
vi.mock('@aws-sdk/client-sqs', () => import('../../src/lean/client-sqs.ts'))

beforeEach(stubLambdaEnvironment)
afterEach(() => vi.unstubAllEnvs())

test.each<[string, () => object]>([
  ['DynamoDB', dynamoDbClient],
  ['SQS', sqsClient],
  ['SNS', snsClient],
  ['KMS', kmsClient],
  ['IoT', () => iotDataClient('a-ats.iot.eu-west-1.amazonaws.com', {})],
])('the settings of the client of %s are known to the lean clients', (_, make) => {
  expect(make()).toBeInstanceOf(LeanClient)
})
