import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { IoTClient } from '@aws-sdk/client-iot'
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import { KMSClient } from '@aws-sdk/client-kms'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { callAttempts } from '@heliograph/protocol/retry'

/**
 * One client per service and execution environment. Endpoints come from `AWS_ENDPOINT_URL…`, so the
 * same bundle runs on AWS and locally. A provider is answered within 5 s whatever happens, so a
 * call gives up early.
 */
const hot = {
  maxAttempts: callAttempts.hurried,
  cacheMiddleware: true,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    // without this option the SDK only warns
    throwOnRequestTimeout: true,
    httpsAgent: { maxSockets: 200 },
  },
} as const

export const dynamoDbClient = () => new DynamoDBClient(hot)

/** The queue URL names the queue only: emulators give URLs whose host does not resolve. */
export const sqsClient = () => new SQSClient({ ...hot, md5: false, useQueueUrlAsEndpoint: false })

export const kmsClient = () => new KMSClient(hot)

export const snsClient = () => new SNSClient(hot)

export const iotClient = () => new IoTClient({ maxAttempts: callAttempts.patient })

/** Seconds that SendDirectMessage waits for the device's PUBACK. */
export const CONFIRMATION_SECONDS = 5

/**
 * One attempt only: the SDK automatically repeats 500, 504 and 429, and repeating a 504 pushes the
 * same message again. The lean client, which every bundle uses instead of the SDK's, does not count
 * a stale socket as an attempt. `endpoint` is the account's own (iot:Data-ATS) unless the
 * environment sets another.
 */
export function iotDataClient(
  endpoint: string,
  environment: Readonly<Record<string, string | undefined>>,
): IoTDataPlaneClient {
  const overridden = environment.AWS_ENDPOINT_URL_IOT_DATA_PLANE ?? environment.AWS_ENDPOINT_URL
  return new IoTDataPlaneClient({
    ...(overridden ? {} : { endpoint: `https://${endpoint}` }),
    maxAttempts: callAttempts.directMessage,
    cacheMiddleware: true,
    requestHandler: {
      connectionTimeout: 1_000,
      requestTimeout: (CONFIRMATION_SECONDS + 3) * 1_000,
      throwOnRequestTimeout: true,
      httpsAgent: { maxSockets: 200 },
    },
  })
}
