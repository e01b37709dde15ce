import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type OperatorClients, operatorClients } from '@heliograph/aws/operator/clients'
import { LOCAL_STAGE, shapeRefusal, synthesize } from '../../bin/embedded.ts'
import { type Assembly, readAssembly } from '../../packages/embedded-cloud/src/assembly/assembly.ts'
import type { Cleanup } from '../../packages/embedded-cloud/src/cleanup.ts'
import { Permissions } from '../../packages/embedded-cloud/src/functions/permissions.ts'
import { type LocalTls, loadTls } from '../../packages/embedded-cloud/src/tls.ts'
import type { CloudIdentity, Functions, Log } from '../../packages/embedded-cloud/src/types.ts'
import { adaptAssembly, deployAssembly, emulatorEnvironment } from './deploy.ts'
import { type Deployed, readDeployed } from './deployed.ts'
import { type Edge, openEdges } from './edges.ts'
import type { Emulator } from './emulator.ts'
import { deployedFunctions } from './functions.ts'
import { type IotCore, startIotCore } from './iot-core.ts'
import { removeStacks } from './remove.ts'
import type { TargetFile } from './target-file.ts'

export interface TargetOptions {
  readonly emulator: Emulator
  /** Made anew. */
  readonly folder: string
  readonly log: Log
  progress(line: string): void
  readonly cleanup: Cleanup
  readonly abort: AbortSignal
}

/** Everything that runs beside the emulator shares this. */
interface Parts {
  readonly identity: CloudIdentity
  readonly folder: string
  readonly tls: LocalTls
  readonly clients: OperatorClients
  readonly functions: Functions
  readonly permissions: Permissions
  readonly log: Log
}

/**
 * Deploys the local stage to an emulator and serves beside it what no emulator has: IoT Core and the
 * mTLS domain.
 */
export async function openTarget(options: TargetOptions): Promise<TargetFile> {
  const { folder, progress, cleanup } = options
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const assemblyFolder = join(folder, 'cdk.out')
  // it would have to reach what is served beside the emulator
  await synthesize(assemblyFolder, { canary: 'false' })
  const assembly = readAssembly(assemblyFolder)
  progress(`${assembly.stacks.length} stacks synthesized`)
  const parts = await startParts(assembly, options)
  const iot = await startIotCore({ ...parts, queues: parts.clients.sqs })
  cleanup.add(() => iot.close())
  adaptAssembly(assemblyFolder, { iotEndpoint: iot.endpoint, caFile: parts.tls.caFile })
  await deploy(assemblyFolder, assembly, parts, options)
  const deployed = await readDeployed(assembly, parts.clients.cloudFormation)
  progress('stacks deployed through CloudFormation')
  const edges = await openBeside(iot, deployed, parts, cleanup)
  progress(`IoT Core on port ${iot.mqttPort}, APIs on ${edges.map(({ gateway }) => gateway.port)}`)
  return targetFile(options.emulator, parts, { iot, edges, deployed })
}

async function startParts(assembly: Assembly, options: TargetOptions): Promise<Parts> {
  const { emulator, folder, log, cleanup } = options
  const { identity } = assembly
  const clients = operatorClients(emulatorEnvironment(emulator.url, identity))
  cleanup.add(() => clients.close())
  const functions = deployedFunctions({ endpoint: emulator.url, ...identity, log })
  cleanup.add(() => functions.close())
  const tls = await loadTls(join(folder, 'tls'), domainsOf(assembly))
  return { identity, folder, tls, clients, functions, permissions: new Permissions(), log }
}

/** The server certificate holds the names of all domains. */
function domainsOf({ stacks }: Assembly): string[] {
  const resources = stacks.flatMap(({ template }) => Object.values(template.resources))
  return resources.flatMap(({ type, properties: { DomainName: name } }) =>
    type === 'AWS::ApiGatewayV2::DomainName' && typeof name === 'string' ? [name] : [],
  )
}

async function deploy(
  folder: string,
  assembly: Assembly,
  { identity, clients }: Parts,
  { emulator, log, abort }: TargetOptions,
): Promise<void> {
  if (!emulator.fresh) await removeStacks(assembly, clients.cloudFormation)
  await deployAssembly(folder, { identity, url: emulator.url, log, abort })
}

async function openBeside(
  iot: IotCore,
  deployed: Deployed,
  parts: Parts,
  cleanup: Cleanup,
): Promise<Edge[]> {
  for (const { properties } of deployed.resources('AWS::Lambda::Permission'))
    parts.permissions.add({
      functionArn: String(properties.FunctionName),
      action: String(properties.Action),
      principal: String(properties.Principal),
      ...(properties.SourceArn !== undefined && { sourceArn: String(properties.SourceArn) }),
    })
  iot.open(deployed)
  const edges = await openEdges({ ...parts, deployed, objects: parts.clients.s3, shapeRefusal })
  cleanup.add(() => Promise.all(edges.map(({ gateway }) => gateway.close())))
  return edges
}

function targetFile(
  { url }: Emulator,
  { identity, tls: { caFile } }: Parts,
  made: { readonly iot: IotCore; readonly edges: readonly Edge[]; readonly deployed: Deployed },
): TargetFile {
  const { mqttPort: port, endpoint: iot } = made.iot
  return {
    kind: 'localstack',
    stage: LOCAL_STAGE,
    endpoint: url,
    logsEndpoint: url,
    identity,
    caFile,
    environment: {
      ...emulatorEnvironment(url, identity),
      AWS_ENDPOINT_URL_IOT: iot,
      AWS_ENDPOINT_URL_IOT_DATA_PLANE: iot,
      AWS_CA_BUNDLE: caFile,
    },
    mutualTlsApis: made.edges.flatMap(({ domain, mutualTls, gateway: { url, port } }) =>
      domain && mutualTls ? [{ domain, url, port }] : [],
    ),
    apis: made.edges.flatMap(({ name, domain, mutualTls, gateway: { url } }) =>
      mutualTls ? [] : [{ name, url, ...(domain && { domain }) }],
    ),
    mqtt: { url: `mqtts://localhost:${port}`, host: 'localhost', port },
    outputs: made.deployed.outputs,
  }
}
