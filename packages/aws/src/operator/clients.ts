import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { IoTClient } from '@aws-sdk/client-iot'
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import { KMSClient } from '@aws-sdk/client-kms'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { callAttempts } from '@heliograph/protocol/retry'

/** The clients of an operator's command: each is made once, when it is first asked for. */
export interface OperatorClients {
  readonly cloudFormation: CloudFormationClient
  readonly cloudWatch: CloudWatchClient
  readonly dynamoDb: DynamoDBClient
  readonly kms: KMSClient
  readonly iot: IoTClient
  readonly lambda: LambdaClient
  readonly sqs: SQSClient
  readonly sns: SNSClient
  readonly s3: S3Client
  /** The data plane has a separate endpoint for each account: `host`, possibly with a port. */
  iotData(host: string): IoTDataPlaneClient
  close(): void
}

/** `AWS_…` variables; without them the SDK reads the process's own and the profile files. */
export type AwsEnvironment = Readonly<Record<string, string | undefined>>

/** Seconds matter less here than on a notification's path: a command may wait and try again. */
const patience = {
  maxAttempts: callAttempts.command,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 },
} as const

/** Clients for the deployment that the environment points at. */
export function operatorClients(environment?: AwsEnvironment): OperatorClients {
  const made: { destroy(): void }[] = []
  const keep = <T extends { destroy(): void }>(client: T): T => {
    made.push(client)
    return client
  }
  const configured = (service: string) => ({ ...patience, ...settingsOf(service, environment) })
  return {
    ...lazily({
      cloudFormation: () => keep(new CloudFormationClient(configured('CLOUDFORMATION'))),
      cloudWatch: () => keep(new CloudWatchClient(configured('CLOUDWATCH'))),
      dynamoDb: () => keep(new DynamoDBClient(configured('DYNAMODB'))),
      kms: () => keep(new KMSClient(configured('KMS'))),
      iot: () =>
        keep(new IoTClient({ ...configured('IOT'), maxAttempts: callAttempts.registryCommand })),
      lambda: () => keep(new LambdaClient(configured('LAMBDA'))),
      // emulators give queue URLs whose host does not resolve
      sqs: () => keep(new SQSClient({ ...configured('SQS'), useQueueUrlAsEndpoint: false })),
      sns: () => keep(new SNSClient(configured('SNS'))),
      s3: () => keep(new S3Client({ ...configured('S3'), forcePathStyle: true })),
    }),
    iotData: once((host: string) => {
      const settings = configured('IOT_DATA_PLANE')
      const elsewhere = endpointOf('IOT_DATA_PLANE', environment ?? process.env)
      const endpoint = elsewhere ?? `https://${host}`
      return keep(new IoTDataPlaneClient({ ...settings, endpoint }))
    }),
    close: () => {
      for (const client of made) client.destroy()
    },
  }
}

function once<A, T>(make: (argument: A) => T): (argument: A) => T {
  let made: T | undefined
  return (argument) => {
    made ??= make(argument)
    return made
  }
}

/** An object whose properties are made when they are first read. */
function lazily<T extends object>(makers: { readonly [K in keyof T]: () => T[K] }): T {
  const result = {}
  for (const [name, make] of Object.entries(makers) as [string, () => unknown][]) {
    const read = once(make)
    Object.defineProperty(result, name, { enumerable: true, get: () => read(undefined) })
  }
  return result as T
}

/** The SDK reads only the process's environment; any other is passed to the clients explicitly. */
function settingsOf(service: string, environment: AwsEnvironment | undefined) {
  if (!environment) return {}
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = environment
  const { AWS_SESSION_TOKEN: sessionToken } = environment
  const endpoint = endpointOf(service, environment)
  return {
    ...(region && { region }),
    ...(endpoint && { endpoint }),
    ...(id &&
      secret && {
        credentials: {
          accessKeyId: id,
          secretAccessKey: secret,
          ...(sessionToken && { sessionToken }),
        },
      }),
  }
}

function endpointOf(service: string, environment: AwsEnvironment): string | undefined {
  return environment[`AWS_ENDPOINT_URL_${service}`] || environment.AWS_ENDPOINT_URL || undefined
}
