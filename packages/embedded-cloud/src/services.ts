import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cleanup } from './cleanup.ts'
import type { CloudOptions, CloudTuning } from './cloud-options.ts'
import type { ReservedPorts } from './cloud-ports.ts'
import { type DynamoDb, startDynamoDb } from './dynamodb/dynamodb.ts'
import { type Endpoint, startEndpoint } from './endpoint.ts'
import { linkSdk } from './functions/code.ts'
import { EventSourceMappings } from './functions/event-source-mappings.ts'
import { FunctionHost } from './functions/function-host.ts'
import { lambdaService } from './functions/lambda-service.ts'
import { Permissions } from './functions/permissions.ts'
import { type Iot, startIot } from './iot/iot.ts'
import { type Kms, startKms } from './kms/kms.ts'
import { type CloudWatch, startCloudWatch } from './metrics/cloudwatch.ts'
import { cloudFormationService } from './resources/cloudformation-service.ts'
import { CustomResources } from './resources/custom-resources.ts'
import type { DeployedStack } from './resources/deploy.ts'
import { Gateways } from './resources/gateways.ts'
import { type ResponseServer, startResponseServer } from './resources/response-server.ts'
import { Roles } from './resources/roles.ts'
import { type S3, startS3 } from './s3/s3.ts'
import { Schedules } from './schedules.ts'
import { type Sns, startSns } from './sns/sns.ts'
import { type Sqs, startSqs } from './sqs/sqs.ts'
import { type LocalTls, loadTls } from './tls.ts'
import type { AccessKey, CloudIdentity, Log } from './types.ts'

/** What every service of the embedded cloud is started with. */
export interface Setting {
  readonly identity: CloudIdentity
  /** The assembly's folder. */
  readonly assembly: string
  readonly operatorKey: AccessKey
  /** The state folder. */
  readonly state: string
  readonly log: Log
  readonly tuning: CloudTuning
  readonly tls: LocalTls
  readonly ports: ReservedPorts
  readonly cleanup: Cleanup
  readonly beforeService: CloudOptions['beforeService']
  readonly openEnvironment: CloudOptions['openEnvironment']
  readonly shapeRefusal: CloudOptions['shapeRefusal']
}

/** All services, at work and empty. */
export interface Services extends Stores {
  readonly roles: Roles
  readonly permissions: Permissions
  readonly functions: FunctionHost
  readonly sns: Sns
  readonly iot: Iot
  readonly mappings: EventSourceMappings
  readonly gateways: Gateways
  readonly customResources: CustomResources
  readonly cloudWatch: CloudWatch
  readonly schedules: Schedules
  /** The address of all services. */
  readonly endpointUrl: string
}

export interface Stores {
  readonly dynamodb: DynamoDb
  readonly sqs: Sqs
  readonly kms: Kms
  readonly s3: S3
}

const host = '127.0.0.1'

/** The folder that holds a folder with the code of each function. */
export const codeFolder = (state: string): string => join(state, 'code')

/**
 * Starts every service behind one endpoint; `stacks` are those that CloudFormation lists. The order
 * is the reverse of the clean-up: first devices are cut off, then functions end, then the services
 * that they use.
 */
export async function startServices(
  setting: Setting,
  stacks: () => readonly DeployedStack[],
): Promise<Services> {
  const endpointUrl = `http://${host}:${setting.ports.endpoint.port}`
  const [roles, permissions] = [new Roles(setting.operatorKey), new Permissions()]
  const stores = await startStores(setting, endpointUrl)
  const endpoint = await listen(setting, roles, stores)
  const answers = await startAnswers(setting)
  const cloudWatch = startCloudWatch(setting.log)
  const functions = functionHost(setting, {
    ...{ roles, cloudWatch, endpointUrl },
    ...{ sqs: stores.sqs, answerPort: answers.port },
  })
  const iot = await startBroker(setting, functions, permissions, stores.sqs)
  const sns = await startTopics(setting, functions, permissions, stores.sqs)
  const more = [lambdaService(functions), cloudFormationService(stacks), cloudWatch.service]
  for (const service of [...iot.services, sns.service, ...more]) endpoint.add(service)
  return {
    ...stores,
    roles,
    permissions,
    functions,
    sns,
    iot,
    cloudWatch,
    endpointUrl,
    customResources: await openCustomResources(setting, functions, answers, iot.port),
    mappings: new EventSourceMappings({
      ...stores,
      ...sending(stores.sqs),
      functions,
      log: setting.log,
    }),
    schedules: schedulesOf(setting, functions),
    gateways: gatewaysOf(setting, functions, permissions, stores.s3),
  }
}

async function startStores(setting: Setting, baseUrl: string): Promise<Stores> {
  const { identity, state, log, tuning, cleanup } = setting
  const s3 = await startS3({ identity, path: join(state, 's3'), log })
  cleanup.add(() => s3.close())
  const kms = await startKms({ identity, stateFile: join(state, 'kms.json'), log })
  cleanup.add(() => kms.close())
  const { ttlIntervalMs } = tuning
  const dynamodb = await startDynamoDb({
    identity,
    path: join(state, 'dynamodb'),
    log,
    ttlIntervalMs,
  })
  cleanup.add(() => dynamodb.close())
  const sqs = await startSqs({ identity, log, baseUrl, path: join(state, 'sqs.jsonl') })
  cleanup.add(() => sqs.close())
  return { dynamodb, sqs, kms, s3 }
}

async function startAnswers({ tls, cleanup }: Setting): Promise<ResponseServer> {
  const answers = await startResponseServer(tls)
  cleanup.add(() => answers.close())
  return answers
}

interface FunctionNeighbors {
  readonly roles: Roles
  readonly sqs: Sqs
  readonly cloudWatch: CloudWatch
  readonly endpointUrl: string
  readonly answerPort: number
}

function functionHost(
  setting: Setting,
  { roles, sqs, cloudWatch, endpointUrl, answerPort }: FunctionNeighbors,
): FunctionHost {
  const { identity, state, log, tuning, tls, cleanup, openEnvironment } = setting
  linkSdk(codeFolder(state), [setting.assembly, fileURLToPath(new URL('.', import.meta.url))])
  const functions = new FunctionHost({
    ...tuning,
    ...sending(sqs),
    ...(openEnvironment && { openEnvironment }),
    identity,
    log,
    heard: (name, line) => cloudWatch.hear(name, line),
    eventsFile: join(state, 'async-events.jsonl'),
    logFolder: join(state, 'logs'),
    authority: tls.ca,
    authorityFile: tls.caFile,
    endpointUrl,
    answerPort,
    accessKeyOf: (role) => roles.accessKeyOf(role),
  })
  cleanup.add(() => functions.close(tuning.drainMs))
  return functions
}

async function startBroker(
  setting: Setting,
  functions: FunctionHost,
  permissions: Permissions,
  sqs: Sqs,
): Promise<Iot> {
  const { identity, state, log, tuning, tls, ports } = setting
  await ports.mqtt.release()
  const iot = await startIot({
    ...sending(sqs),
    identity,
    tls,
    host,
    mqttPort: ports.mqtt.port,
    stateFile: join(state, 'iot.jsonl'),
    retainedFile: join(state, 'iot-retained.jsonl'),
    functions,
    permits: permissions.permits.bind(permissions),
    log,
    holdDevices: true,
    detachLagMs: tuning.detachLagMs,
    confirmationSecondMs: tuning.confirmationSecondMs,
    isBusy: () => functions.isBusy,
    messagesPerSecond: tuning.mqttMessagesPerSecond,
  })
  setting.cleanup.add(() => iot.close())
  return iot
}

async function startTopics(
  { identity, state, log, tuning, tls, cleanup }: Setting,
  functions: FunctionHost,
  permissions: Permissions,
  sqs: Sqs,
): Promise<Sns> {
  const sns = await startSns({
    identity,
    log,
    tls,
    stateFile: join(state, 'sns.jsonl'),
    retrySecondMs: tuning.topicRetrySecondMs,
    functions,
    permits: permissions.permits.bind(permissions),
    queues: {
      policy: (queue) => sqs.policy(queue),
      send: (queue, body, attributes) => void sqs.send(queue, body, { attributes }),
    },
  })
  cleanup.add(() => sns.close())
  return sns
}

async function listen(setting: Setting, roles: Roles, stores: Stores): Promise<Endpoint> {
  const { log, ports, cleanup, beforeService } = setting
  await ports.endpoint.release()
  const endpoint = await startEndpoint({
    host,
    port: ports.endpoint.port,
    signers: (accessKeyId) => roles.signer(accessKeyId),
    services: [stores.dynamodb, stores.sqs, stores.kms, stores.s3].map(({ service }) => service),
    log,
    ...(beforeService && { beforeService }),
  })
  cleanup.add(() => endpoint.close())
  return endpoint
}

function schedulesOf({ identity, log, tuning, cleanup }: Setting, functions: FunctionHost) {
  const schedules = new Schedules({
    ...{ identity, log, minuteMs: tuning.scheduleMinuteMs },
    invokeLater: (functionArn, payload) => functions.invokeAsyncJson(functionArn, payload),
  })
  cleanup.add(() => schedules.close())
  return schedules
}

function openCustomResources(
  { identity, state, log }: Setting,
  functions: FunctionHost,
  answers: ResponseServer,
  mqttPort: number,
): Promise<CustomResources> {
  const stateFile = join(state, 'stacks.json')
  const address = `mqtt:${mqttPort}`
  return CustomResources.open({ identity, functions, answers, stateFile, address, log })
}

function gatewaysOf(
  { identity, state, log, ports, cleanup, shapeRefusal }: Setting,
  functions: FunctionHost,
  permissions: Permissions,
  s3: S3,
): Gateways {
  const gateways = new Gateways({
    identity,
    functions,
    permissions,
    s3,
    log,
    ...(shapeRefusal && { shapeRefusal }),
    certificate: (names) => loadTls(join(state, 'tls'), names),
    port: (kind) => ports.forApi(kind),
    secondPort: () => ports.takeAlso(),
  })
  cleanup.add(() => gateways.close())
  return gateways
}

/** Queues as the other services send to them. */
function sending(sqs: Sqs) {
  return {
    sendToQueue: async (
      queue: string,
      body: string,
      attributes: Readonly<Record<string, { DataType: string; StringValue: string }>> = {},
    ): Promise<void> => {
      sqs.send(queue, body, { attributes })
    },
  }
}
