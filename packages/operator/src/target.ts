import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AwsEnvironment } from '@heliograph/aws/operator/clients'
import { awsOnly } from './aws-stage.ts'
import type { Deployment } from './deployment.ts'
import { Failure } from './failure.ts'
import { isMachine, type MachineDeployment, openMachine } from './machine-deployment.ts'

export const targets = ['embedded', 'aws', 'machine'] as const

export type TargetName = (typeof targets)[number]

/** Which deployment the user means. */
export interface TargetOptions {
  readonly target: TargetName
  /** The stage on AWS. */
  readonly stage?: string
  /** The state folder of the embedded cloud or of the machine. */
  readonly state: string
}

/**
 * An https address and the CA that its certificate is checked against; if absent, the system's CAs.
 */
export interface Address {
  readonly url: string
  /** PEM. */
  readonly ca?: string
}

/** A provider's certificate and key, PEM. */
export interface Credentials {
  readonly cert: string
  readonly key: string
}

/** How programs, not operators, reach the deployment. */
export interface Entrances {
  readonly provider: Address
  /** Where provider tokens are taken, if the stage takes them. */
  readonly tokens?: Address
  readonly activation: Address
  /** `host:port` of the device endpoint, with its CA. */
  readonly mqtt: { readonly host: string; readonly port: number; readonly ca?: string }
  /** The demo app of the embedded cloud. */
  readonly demo?: { readonly topic: string; readonly credentials: Credentials }
}

/** Opens the deployment for an operator's commands. */
export async function openTarget(options: TargetOptions): Promise<Deployment> {
  if (options.target === 'machine') return openMachine(options.state)
  // loaded when it is used: it brings the AWS SDK
  const { openDeployment } = await import('./aws-deployment.ts')
  if (options.target === 'embedded') return openDeployment(await operatorFile(options.state))
  return openDeployment({ stage: stageOf(options) })
}

/** The stage on AWS that the user named; a `Failure` where none was. */
export function stageOf({ stage }: TargetOptions): string {
  if (stage) return stage
  throw new Failure(
    'usage',
    'say which stage: --target aws needs --stage, for example --stage prod',
  )
}

async function operatorFile(
  state: string,
): Promise<{ stage: string; environment: AwsEnvironment }> {
  const path = join(state, 'operator.json')
  if (!existsSync(path))
    throw new Failure(
      'unreachable',
      `no embedded cloud has its state in ${state}: run npm start, or give --state DIR, or --target aws`,
    )
  const { stage, environment } = await readJson(path)
  if (typeof stage !== 'string' || typeof environment !== 'object' || environment === null)
    throw damaged(path)
  return { stage, environment: environment as AwsEnvironment }
}

/** Finds the entrances: of the embedded cloud in `local.json`, on AWS through the stacks, of a machine by asking it. */
export async function findEntrances(
  options: TargetOptions,
  deployment: () => Promise<Deployment>,
): Promise<Entrances> {
  if (options.target === 'embedded') return localEntrances(options.state)
  const opened = await deployment()
  if (isMachine(opened)) return machineEntrances(opened, options.state)
  const { outputs } = awsOnly(opened, 'it has outputs')
  const [host = '', port = '8883'] = outputs.IotEndpoint.split(':')
  return {
    provider: { url: outputs.ProviderUrl },
    ...(outputs.TokenUrl && { tokens: { url: outputs.TokenUrl } }),
    activation: { url: outputs.ActivationUrl },
    mqtt: { host, port: Number(port) },
  }
}

async function machineEntrances({ machine }: MachineDeployment, state: string): Promise<Entrances> {
  const { provider, activation, devices } = (await machine.state()).entrances
  const address = { url: `https://${provider.host}:${provider.port}`, ca: provider.ca }
  // only `serve --dev` has a demo app
  const demo = existsSync(join(state, 'local.json'))
    ? (await localEntrances(state)).demo
    : undefined
  return {
    provider: address,
    // one port takes certificates and tokens, as Apple's does
    tokens: address,
    activation: {
      url: `https://${activation.host}:${activation.port}/activate`,
      ca: activation.ca,
    },
    mqtt: devices,
    ...(demo && { demo }),
  }
}

async function localEntrances(state: string): Promise<Entrances> {
  const path = join(state, 'local.json')
  if (!existsSync(path))
    throw new Failure(
      'unreachable',
      `there is no ${path}: run npm start and wait until it is ready, or give --state DIR, or --target aws`,
    )
  const file = await readJson(path)
  const { provider, tokens, activation, mqtt } = {
    provider: texts(path, file.provider, ['url', 'ca', 'topic', 'cert', 'key']),
    tokens:
      file.providerToken === undefined ? undefined : texts(path, file.providerToken, ['url', 'ca']),
    activation: texts(path, file.activation, ['url', 'ca']),
    mqtt: texts(path, file.mqtt, ['url', 'ca']),
  }
  const pem = (file: string) => readFile(file, 'utf8')
  const { hostname: host, port } = new URL(mqtt.url)
  const credentials = { cert: await pem(provider.cert), key: await pem(provider.key) }
  return {
    provider: { url: provider.url, ca: await pem(provider.ca) },
    ...(tokens && { tokens: { url: tokens.url, ca: await pem(tokens.ca) } }),
    activation: { url: activation.url, ca: await pem(activation.ca) },
    mqtt: { host, port: Number(port || 8883), ca: await pem(mqtt.ca) },
    demo: { topic: provider.topic, credentials },
  }
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault
  }
  throw damaged(path)
}

function texts<Name extends string>(
  path: string,
  value: unknown,
  names: readonly Name[],
): Record<Name, string> {
  const object = (value ?? {}) as Record<string, unknown>
  if (names.some((name) => typeof object[name] !== 'string')) throw damaged(path)
  return object as Record<Name, string>
}

function damaged(path: string): Failure {
  return new Failure('failed', `${path} is damaged: stop the embedded cloud and start it again`)
}
