import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { readAssembly } from './assembly/assembly.ts'
import { Cleanup } from './cleanup.ts'
import { type CloudOptions, defaultTuning } from './cloud-options.ts'
import { reservePorts } from './cloud-ports.ts'
import { CloudStartError, messageOf } from './cloud-start-error.ts'
import { type DeployedStack, deploy } from './resources/deploy.ts'
import { destroyStack } from './resources/destroy.ts'
import type { CloudParts } from './resources/resource-type.ts'
import { newOperatorKey } from './resources/roles.ts'
import { StackExports } from './resources/stack-exports.ts'
import { codeFolder, type Services, type Setting, startServices } from './services.ts'
import { lockState } from './state-lock.ts'
import { loadTls } from './tls.ts'
import type { CloudIdentity } from './types.ts'

export type { CloudOptions, CloudPorts, CloudTuning } from './cloud-options.ts'
export { CloudStartError } from './cloud-start-error.ts'

/** An embedded cloud at work. */
export interface Cloud {
  /** The address of all AWS services, `http://127.0.0.1:<port>`. */
  readonly endpoint: string
  readonly identity: CloudIdentity
  /** PEM file of the CA that signed every server certificate. */
  readonly caFile: string
  /** The variables with which any AWS SDK or the AWS CLI reaches this cloud as its operator. */
  readonly environment: Readonly<Record<string, string>>
  readonly mutualTlsApis: readonly { domain: string; url: string; port: number }[]
  /** The APIs that ask for no client certificate, by their own endpoint or by a domain. */
  readonly apis: readonly { name: string; url: string; domain?: string }[]
  readonly mqtt: { readonly url: string; readonly host: string; readonly port: number }
  /** Whom receivers of topics believe: the address of the signing certificate begins with it, and the links to confirm. */
  readonly topicsUrl: string
  /** Output values by stack name and output key. */
  stackOutputs(): Record<string, Record<string, string>>
  /** How often each function was run since the start, by its name. */
  invocations(): Readonly<Record<string, number>>
  /** Ends function threads in mid-invocation; those of all functions without a name. */
  killWorkers(functionName?: string): Promise<void>
  /**
   * Deletes all stacks, the last one first, or a single one, as CloudFormation does: what their
   * templates retain stays. Rejects with a CloudStartError if something cannot be deleted; it may
   * then be repeated.
   */
  destroy(stackName?: string): Promise<void>
  /** Closes the APIs, lets queues drain for a moment, then stops everything and frees the state. */
  close(): Promise<void>
}

/** Milliseconds between two looks at the queues that drain. */
const drainPollMs = 20

/**
 * Runs the stacks of a CDK assembly on this machine. Fails with a CloudStartError, a sentence for the
 * developer, and then leaves nothing running.
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const cleanup = new Cleanup(options.log ?? (() => {}))
  try {
    return await start(options, cleanup)
  } catch (error) {
    await cleanup.run()
    throw startError(error)
  }
}

function startError(error: unknown): CloudStartError {
  if (error instanceof CloudStartError) return error
  const { path } = error as NodeJS.ErrnoException
  const message = messageOf(error)
  if (path === undefined) return new CloudStartError(message, { cause: error })
  return new CloudStartError(
    `${path} cannot be used (${message}); remove it, or name another state folder.`,
    {
      cause: error,
    },
  )
}

async function start(options: CloudOptions, cleanup: Cleanup): Promise<Cloud> {
  const progress = options.progress ?? (() => {})
  const assembly = readAssembly(resolve(options.assembly))
  const setting = await prepare(options, assembly.identity, cleanup)
  const stacks: DeployedStack[] = []
  const services = await startServices(setting, () => stacks)
  progress(`AWS services at ${services.endpointUrl}`)
  const tasks: (() => void | Promise<void>)[] = []
  const names = assembly.stacks.map(({ name }) => name)
  const parts: CloudParts = {
    ...services,
    ...setting,
    exports: await StackExports.open(join(setting.state, 'exports.json'), names),
    visibilityTimeouts: new Map<string, number>(),
    logGroups: new Map(),
    topicPolicies: new Map(),
    codeFolder: codeFolder(setting.state),
    whenMade: (task: () => void | Promise<void>) => tasks.push(task),
  }
  stacks.push(...(await deploy(assembly, parts, progress)))
  for (const task of tasks) await task()
  await services.customResources.cleanUp()
  await open(setting, services)
  return cloudOf(setting, services, stacks, parts)
}

/** Takes the state folder and the ports; if someone else has either, that is reported at once. */
async function prepare(
  options: CloudOptions,
  identity: CloudIdentity,
  cleanup: Cleanup,
): Promise<Setting> {
  const state = resolve(options.state)
  makeFolder(state)
  cleanup.add(lockState(state))
  return {
    identity,
    assembly: resolve(options.assembly),
    operatorKey: options.operatorKey ?? newOperatorKey(),
    state,
    log: options.log ?? (() => {}),
    tuning: { ...defaultTuning, ...options.tuning },
    ports: await reservePorts(options.ports ?? {}, cleanup),
    tls: await loadTls(join(state, 'tls'), []),
    cleanup,
    beforeService: options.beforeService,
    openEnvironment: options.openEnvironment,
    shapeRefusal: options.shapeRefusal,
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new CloudStartError(
      `The state folder ${folder} cannot be made (${messageOf(cause)}); name another.`,
      { cause },
    )
  }
}

/** Admits events and clients, now that everything they may ask for exists. */
async function open(setting: Setting, services: Services): Promise<void> {
  const { cleanup, tuning } = setting
  const { functions, mappings, gateways, iot, schedules, sns } = services
  functions.restore()
  sns.restore()
  mappings.start()
  schedules.start()
  cleanup.add(() => within(tuning.drainMs, mappings.stop()))
  cleanup.add(() => drained(services, tuning.drainMs))
  cleanup.add(() => gateways.close())
  await gateways.start()
  iot.admitDevices()
}

function cloudOf(
  { identity, operatorKey, tls, cleanup }: Setting,
  { endpointUrl, iot, gateways, functions, sns }: Services,
  stacks: DeployedStack[],
  parts: CloudParts,
): Cloud {
  const { port } = iot
  return {
    endpoint: endpointUrl,
    identity,
    caFile: tls.caFile,
    environment: {
      AWS_ENDPOINT_URL: endpointUrl,
      AWS_REGION: identity.region,
      AWS_DEFAULT_REGION: identity.region,
      AWS_ACCESS_KEY_ID: operatorKey.accessKeyId,
      AWS_SECRET_ACCESS_KEY: operatorKey.secretAccessKey,
      AWS_CA_BUNDLE: tls.caFile,
    },
    get mutualTlsApis() {
      return gateways.mutualTlsApis
    },
    get apis() {
      return gateways.apis
    },
    topicsUrl: sns.url,
    mqtt: { url: `mqtts://localhost:${port}`, host: 'localhost', port },
    stackOutputs: () =>
      Object.fromEntries(stacks.map(({ name, outputs }) => [name, outputValues(outputs)])),
    invocations: () => functions.invocations,
    killWorkers: (name) => functions.killWorkers(name),
    async destroy(stackName) {
      const wanted = stacks.filter(({ name }) => name === (stackName ?? name))
      for (const stack of wanted.reverse()) await destroyStack(stack, stacks, parts)
    },
    close: () => cleanup.run(),
  }
}

function outputValues(outputs: DeployedStack['outputs']): Record<string, string> {
  return Object.fromEntries(outputs.map(({ key, value }) => [key, value]))
}

/** Waits until no queue that feeds a function holds a message, at most this many milliseconds. */
async function drained({ mappings, sqs }: Services, limitMs: number): Promise<void> {
  const until = Date.now() + limitMs
  const isEmpty = (queue: string) => {
    const { visible, inFlight, delayed } = sqs.depth(queue)
    return visible + inFlight + delayed === 0
  }
  while (Date.now() < until && !mappings.queueArns.every(isEmpty)) await wait(drainPollMs)
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  const limit = new AbortController()
  await Promise.race([work, wait(limitMs, undefined, { signal: limit.signal, ref: false })])
  limit.abort()
}
