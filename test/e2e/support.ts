import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { type Device, type Notification, openDevice } from '@heliograph/device'
import { inject } from 'vitest'
import { prepareDemo } from '../../bin/demo.ts'
import { LOCAL_STAGE, shapeRefusal } from '../../bin/embedded.ts'
import {
  type Cloud,
  type CloudOptions,
  startCloud,
} from '../../packages/embedded-cloud/src/cloud.ts'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import { openDeployed } from './deployed.ts'
import { startMachineTarget } from './machine-target.ts'
import type { Target, TargetOptions } from './target.ts'

export { alert, nodeApn, patience } from '../../tools/conformance/node-apn.ts'
export {
  type Activation,
  activatePlainly,
  PlainDevice,
  postJson,
  until,
} from '../../tools/conformance/plain-device.ts'

export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const { TARGET: kind = 'embedded' } = process.env
  if (kind === 'machine') return startMachineTarget(options)
  return kind === 'embedded' ? startEmbeddedTarget(options) : openDeployed(options)
}

async function startEmbeddedTarget(options: TargetOptions): Promise<Target> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-e2e-'))
  const logs: string[] = []
  const start = (ports?: CloudOptions['ports']) =>
    startCloud({
      assembly: inject('assembly'),
      state,
      log: (part, line) => logs.push(`${part}: ${line}`),
      shapeRefusal,
      ports: { mutualTlsAlso: 0, ...ports },
      ...options,
      // what still waits for a later attempt would hold up the end of a file for as long as it may
      tuning: { ...(options.tuning ?? defaultTuning), drainMs: 200 },
    })
  const cloud = await start()
  const target: Target = {
    kind: 'embedded',
    stage: LOCAL_STAGE,
    state,
    logs,
    cloud,
    local: await prepareDemo(cloud, state),
    async restart() {
      // devices and providers come back to where they were
      const ports = portsOf(target.cloud)
      await target.cloud.close()
      target.cloud = await start(ports)
      target.local = await prepareDemo(target.cloud, state)
    },
    async close() {
      await target.cloud.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
  return target
}

function portsOf(cloud: Cloud) {
  const [edge, also] = cloud.mutualTlsApis
  const portOf = (url = 'https://localhost:0') => Number(new URL(url).port)
  return {
    mutualTls: edge?.port ?? 0,
    mutualTlsAlso: also?.port ?? 0,
    api: portOf(cloud.apis.find(({ domain }) => domain === undefined)?.url),
    domain: portOf(cloud.apis.find(({ domain }) => domain !== undefined)?.url),
    mqtt: cloud.mqtt.port,
  }
}

/** A device with the SDK that keeps what it received. */
export interface TestDevice {
  readonly device: Device
  readonly directory: string
  readonly received: Notification[]
}

export async function openTestDevice(
  target: Target,
  directory = mkdtempSync(join(target.state, 'device-')),
): Promise<TestDevice> {
  const { url, ca, code } = target.local.activation
  const device = await openDevice({
    directory,
    activation: { url, code, ca: readFileSync(ca, 'utf8') },
  })
  const received: Notification[] = []
  device.onNotification((notification) => {
    received.push(notification)
  })
  return { device, directory, received }
}

export interface ReadyDevice extends TestDevice {
  readonly token: string
}

/** Connected and registered for the topic. */
export async function readyDevice(
  target: Target,
  topic = target.local.provider.topic,
): Promise<ReadyDevice> {
  const opened = await openTestDevice(target)
  await opened.device.connect()
  return { ...opened, token: await opened.device.register(topic) }
}

export interface ReadyTarget {
  readonly target: Target
  /** Of a device that is connected and registered for the demo topic. */
  readonly ready: ReadyDevice
  close(): Promise<void>
}

/** A target with a device on it, for the tests of a file; `beforeAll` closes both where it gets `close`. */
export async function readyTarget(options: TargetOptions = {}): Promise<ReadyTarget> {
  const target = await startTarget(options)
  try {
    const ready = await readyDevice(target)
    const close = async () => {
      await ready.device.close()
      await target.close()
    }
    return { target, ready, close }
  } catch (fault) {
    await target.close()
    throw fault
  }
}

export interface Sent {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** DATA frames seen, empty ones included. */
  readonly reason: string | undefined
}

export interface Request {
  readonly method?: string
  readonly path?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** One request over HTTP/2 with the demo provider's certificate, on a connection of its own. */
export async function request(target: Target, options: Request): Promise<Sent> {
  const { url, ca, cert, key } = target.local.provider
  const session = http2.connect(url, {
    ca: readFileSync(ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
  })
  try {
    return await requestOn(session, { ...options, topic: target.local.provider.topic })
  } finally {
    session.close()
  }
}

const heard = new WeakSet<http2.ClientHttp2Session>()

/** A connection that is cut may say so after its last request has ended; without a listener that ends the process. */
function hearErrors(session: http2.ClientHttp2Session): void {
  if (heard.has(session)) return
  heard.add(session)
  session.on('error', () => {})
}

export function requestOn(
  session: http2.ClientHttp2Session,
  options: Request & { readonly topic?: string },
): Promise<Sent> {
  hearErrors(session)
  return new Promise((resolve, reject) => {
    session.once('error', reject)
    const stream = session.request({
      ':method': options.method ?? 'POST',
      ':path': options.path ?? `/3/device/${options.token}`,
      ...(options.topic ? { 'apns-topic': options.topic } : {}),
      ...options.headers,
    })
    let headers: Sent['headers'] = {}
    let body = ''
    stream.on('response', (received) => {
      headers = received as Sent['headers']
    })
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      body += chunk
    })
    stream.on('error', reject)
    stream.on('close', () => session.off('error', reject))
    stream.on('end', () => {
      if (headers[':status'] === undefined) return reject(new Error('closed without an answer'))
      const reason = body ? (JSON.parse(body) as { reason?: string }).reason : undefined
      resolve({ status: Number(headers[':status']), headers, body, reason })
    })
    // Node ends these by itself
    if (options.method !== 'GET' && options.method !== 'DELETE')
      stream.end(options.body ?? '{"aps":{"alert":"x"}}')
  })
}

export function alertOf(notification: { readonly payload: unknown }): unknown {
  return (notification.payload as { aps?: { alert?: unknown } }).aps?.alert
}

/** Lets everything under way finish: for "nothing arrives" there is nothing to wait for but time. */
export function settle(ms = 1_000): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The stored notifications of all devices, as the pending table holds them. */
export async function pendingTexts(target: Target): Promise<string[]> {
  if (target.pendingTexts) return target.pendingTexts()
  const client = new DynamoDBClient(clientOptions(target))
  const { PendingTable: TableName } = stateOutputs(target)
  const { Items: items = [] } = await client.send(
    new ScanCommand({ TableName, ConsistentRead: true }),
  )
  client.destroy()
  return items.map((item) => item.notification?.S ?? '')
}

/** What the state stack tells of its parts. */
export function stateOutputs({ cloud, stage }: Target): Readonly<Record<string, string>> {
  return cloud.stackOutputs()[`Heliograph-${stage}-State`] ?? {}
}

/** What an AWS client needs to reach the target as its operator. */
export function clientOptions({ kind, cloud }: Target) {
  const { region } = cloud.identity
  // on AWS the SDK finds its credentials itself
  if (kind === 'aws') return { region }
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
    cloud.environment
  return { endpoint: cloud.endpoint, region, credentials: { accessKeyId, secretAccessKey } }
}
