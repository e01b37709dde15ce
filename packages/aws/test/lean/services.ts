import * as sdkDynamoDb from '@aws-sdk/client-dynamodb'
import * as sdkIotData from '@aws-sdk/client-iot-data-plane'
import * as sdkKms from '@aws-sdk/client-kms'
import * as sdkSns from '@aws-sdk/client-sns'
import * as sdkSqs from '@aws-sdk/client-sqs'
import { vi } from 'vitest'
import * as leanDynamoDb from '../../src/lean/client-dynamodb.ts'
import * as leanIotData from '../../src/lean/client-iot-data-plane.ts'
import * as leanKms from '../../src/lean/client-kms.ts'
import * as leanSns from '../../src/lean/client-sns.ts'
import * as leanSqs from '../../src/lean/client-sqs.ts'

/** Settings that both kinds of clients take. */
export interface Settings {
  readonly endpoint?: string
  readonly maxAttempts?: number
  readonly requestHandler?: {
    readonly connectionTimeout?: number
    readonly requestTimeout?: number
    readonly throwOnRequestTimeout?: boolean
  }
}

/** What the lean module exports, as the SDK's module has it: the bundler swaps one for the other. */
type Swapped<Lean, Sdk> = Pick<Sdk, keyof Lean & keyof Sdk>

type DynamoDb = Swapped<typeof leanDynamoDb, typeof sdkDynamoDb>
type IotData = Swapped<typeof leanIotData, typeof sdkIotData>
type Kms = Swapped<typeof leanKms, typeof sdkKms>
type Sns = Swapped<typeof leanSns, typeof sdkSns>
type Sqs = Swapped<typeof leanSqs, typeof sdkSqs>

/** One call, ready to be made by either kind of client. */
export interface Call {
  sdk(settings: Settings): Promise<unknown>
  lean(settings: Settings): Promise<unknown>
}

/** Several calls of one client. */
type Talk<Api, Client> = (api: Api, client: Client) => Promise<unknown>

interface Destroyable {
  destroy(): void
}

function either<Api, Client extends Destroyable>(
  sdk: Api,
  lean: Api,
  make: (api: Api, settings: Settings) => Client,
) {
  const talker = (api: Api, talk: Talk<Api, Client>) => async (settings: Settings) => {
    const client = make(api, settings)
    try {
      return await talk(api, client)
    } finally {
      client.destroy()
    }
  }
  return (talk: Talk<Api, Client>): Call => ({
    sdk: talker(sdk, talk),
    lean: talker(lean, talk),
  })
}

export const dynamoDb = either(
  sdkDynamoDb,
  leanDynamoDb as unknown as DynamoDb,
  (api: DynamoDb, settings) => new api.DynamoDBClient(settings),
)

export const iotData = either(
  sdkIotData,
  leanIotData as unknown as IotData,
  (api: IotData, settings) => new api.IoTDataPlaneClient(settings),
)

export const kms = either(
  sdkKms,
  leanKms as unknown as Kms,
  (api: Kms, settings) => new api.KMSClient(settings),
)

export const sns = either(
  sdkSns,
  leanSns as unknown as Sns,
  (api: Sns, settings) => new api.SNSClient(settings),
)

export const sqs = either(
  sdkSqs,
  leanSqs as unknown as Sqs,
  (api: Sqs, settings) =>
    new api.SQSClient({ ...settings, md5: false, useQueueUrlAsEndpoint: false }),
)

export const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

/** The environment of a Lambda function; endpoints of the machine that tests are taken out. */
export function stubLambdaEnvironment(): void {
  for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
  vi.stubEnv('AWS_SESSION_TOKEN', 'SESSION/TOKEN+of=a role')
  // the SDK's chain must not read the files of whoever runs the tests
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
}

/** What a call came to. */
export async function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.catch((fault: unknown) => fault)
}
