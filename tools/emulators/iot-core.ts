import { join } from 'node:path'
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { isJsonObject, type Json } from '../../packages/embedded-cloud/src/assembly/json.ts'
import { startEndpoint } from '../../packages/embedded-cloud/src/endpoint.ts'
import type { Permissions } from '../../packages/embedded-cloud/src/functions/permissions.ts'
import { type Iot, startIot } from '../../packages/embedded-cloud/src/iot/iot.ts'
import type { LocalTls } from '../../packages/embedded-cloud/src/tls.ts'
import type {
  Caller,
  CloudIdentity,
  Functions,
  Log,
  PolicyDocument,
} from '../../packages/embedded-cloud/src/types.ts'
import type { Deployed } from './deployed.ts'

export interface IotCoreOptions {
  readonly identity: CloudIdentity
  readonly folder: string
  readonly tls: LocalTls
  readonly functions: Functions
  readonly permissions: Permissions
  readonly queues: SQSClient
  readonly log: Log
}

/** AWS IoT Core beside the emulator. */
export interface IotCore {
  /** The address of both REST APIs, for `AWS_ENDPOINT_URL_IOT` and `AWS_ENDPOINT_URL_IOT_DATA_PLANE`. */
  readonly endpoint: string
  readonly mqttPort: number
  /** Takes the policies and rules of the stacks and lets devices in. */
  open(deployed: Deployed): void
  close(): Promise<void>
}

/** The emulator does not say which role calls, so any signed caller may do everything. */
const anybody: Caller = { name: 'a caller of the emulator', may: () => true }

export async function startIotCore(options: IotCoreOptions): Promise<IotCore> {
  const { identity, folder, tls, functions, permissions, queues, log } = options
  const iot = await startIot({
    identity,
    tls,
    host: '127.0.0.1',
    mqttPort: 0,
    stateFile: join(folder, 'iot.jsonl'),
    retainedFile: join(folder, 'iot-retained.jsonl'),
    functions,
    permits: permissions.permits.bind(permissions),
    sendToQueue: async (QueueUrl, MessageBody) => {
      await queues.send(new SendMessageCommand({ QueueUrl, MessageBody }))
    },
    log,
    holdDevices: true,
  })
  const endpoint = await startEndpoint({
    host: '127.0.0.1',
    port: 0,
    signers: () => ({ caller: anybody, secretAccessKey: '' }),
    // the emulator makes its functions' secrets and keeps them
    signatures: 'unchecked',
    services: iot.services,
    log,
  })
  return {
    endpoint: endpoint.url,
    mqttPort: iot.port,
    open(deployed) {
      putPolicies(iot, deployed)
      putRules(iot, deployed)
      iot.admitDevices()
    },
    async close() {
      await endpoint.close()
      await iot.close()
    },
  }
}

function putPolicies(iot: Iot, deployed: Deployed): void {
  for (const { logicalId, properties } of deployed.resources('AWS::IoT::Policy')) {
    const name = String(properties.PolicyName ?? logicalId)
    iot.putPolicy(name, documentOf(properties.PolicyDocument))
  }
}

function documentOf(given: Json | undefined): PolicyDocument {
  const document: unknown = typeof given === 'string' ? JSON.parse(given) : given
  if (isJsonObject(document)) return document as unknown as PolicyDocument
  throw new Error(`an IoT policy has no document: ${JSON.stringify(given)}`)
}

function putRules(iot: Iot, deployed: Deployed): void {
  for (const { logicalId, properties } of deployed.resources('AWS::IoT::TopicRule'))
    iot.putTopicRule(String(properties.RuleName ?? logicalId), properties.TopicRulePayload)
}
