import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import apn from '@parse/node-apn'
import mqtt, { type MqttClient } from 'mqtt'
import { inject } from 'vitest'
import { type LocalFile, prepareDemo } from '../../bin/demo.ts'
import { LOCAL_STAGE, shapeRefusal } from '../../bin/embedded.ts'
import { type Cloud, type CloudOptions, type CloudTuning, startCloud } from '../../local/cloud.ts'
import type { BeforeService } from '../../local/endpoint.ts'
import { makePrivateKey, makeRequest } from '../../sdk/certificate.ts'
import { type Device, type Notification, openDevice } from '../../sdk/index.ts'
import { openDeployed } from './deployed.ts'

/** A deployment for one test file: an embedded cloud of its own, or the one that TARGET names. */
export interface Target {
  /** Where `TARGET=` says the stacks run. */
  readonly kind: 'embedded' | 'localstack' | 'aws'
  readonly stage: string
  readonly state: string
  /** Lines of the functions' logs, and of the embedded cloud's own. */
  readonly logs: string[]
  cloud: Cloud
  local: LocalFile
  /** Stops the cloud and starts it again on the same state. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface TargetOptions {
  readonly tuning?: CloudTuning
  readonly beforeService?: BeforeService
  readonly assembly?: string
}

export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const { TARGET: kind = 'embedded' } = process.env
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
      ...(ports ? { ports } : {}),
      ...options,
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
  const [edge] = cloud.mutualTlsApis
  const [api] = cloud.apis
  return {
    mutualTls: edge?.port ?? 0,
    api: Number(new URL(api?.url ?? 'https://localhost:0').port),
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

/** Connected and registered for the topic. */
export async function readyDevice(
  target: Target,
  topic = target.local.provider.topic,
): Promise<TestDevice & { readonly token: string }> {
  const opened = await openTestDevice(target)
  await opened.device.connect()
  return { ...opened, token: await opened.device.register(topic) }
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

export function requestOn(
  session: http2.ClientHttp2Session,
  options: Request & { readonly topic?: string },
): Promise<Sent> {
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
    // Node ends a GET by itself
    if (options.method !== 'GET') stream.end(options.body ?? '{"aps":{"alert":"x"}}')
  })
}

/** A provider made of the unmodified node-apn. */
export function nodeApn(target: Pick<Target, 'local'>): apn.Provider {
  const { url, ca, cert, key } = target.local.provider
  const { hostname, port } = new URL(url)
  return new apn.Provider({ address: hostname, port: Number(port), ca: [ca], cert, key })
}

export function alert(text: string, options: Partial<apn.Notification> = {}): apn.Notification {
  const notification = new apn.Notification({
    alert: text,
    topic: 'com.example.app',
    pushType: 'alert',
  })
  return Object.assign(notification, options)
}

export function alertOf(notification: { readonly payload: unknown }): unknown {
  return (notification.payload as { aps?: { alert?: unknown } }).aps?.alert
}

/** What `POST <activation url>` answers. */
export interface Activation {
  readonly deviceId: string
  readonly certificate: string
  readonly mqtt: { readonly host: string; readonly port: number; readonly ca: string }
  readonly publish: Readonly<Record<'register' | 'connect' | 'unregister' | 'renew', string>>
}

/** Activates without the SDK; returns the answer with the key it was made for. */
export async function activatePlainly(
  target: Pick<Target, 'local'>,
): Promise<{ readonly key: string; readonly answer: Activation }> {
  const key = makePrivateKey()
  const csr = await makeRequest(key)
  const { status, body } = await postJson(target, {
    csr,
    activationCode: target.local.activation.code,
  })
  if (status !== 201) throw new Error(`activation was refused: ${status} ${body}`)
  return { key, answer: JSON.parse(body) as Activation }
}

/** `POST` to the activation API. */
export function postJson(
  target: Pick<Target, 'local'>,
  value: unknown,
): Promise<{ readonly status: number; readonly body: string }> {
  const { url, ca } = target.local.activation
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const call = https.request(
      url,
      { method: 'POST', headers, ca: readFileSync(ca) },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      },
    )
    call.on('error', reject)
    call.end(typeof value === 'string' ? value : JSON.stringify(value))
  })
}

/** A device of plain mqtt.js, as a user without the SDK would write it. */
export class PlainDevice {
  readonly client: MqttClient
  readonly messages: { readonly topic: string; readonly text: string }[] = []

  constructor(
    activation: { readonly key: string; readonly answer: Activation },
    options: { readonly clientId?: string } = {},
  ) {
    const { mqtt: broker, certificate, deviceId } = activation.answer
    this.client = mqtt.connect({
      protocol: 'mqtts',
      host: broker.host,
      port: broker.port,
      servername: broker.host,
      ca: broker.ca,
      cert: certificate,
      key: activation.key,
      clientId: options.clientId ?? deviceId,
      clean: true,
      reconnectPeriod: 0,
      manualConnect: true,
    })
    this.client.on('message', (topic, payload) => {
      this.messages.push({ topic, text: payload.toString() })
    })
    this.client.on('error', () => {})
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.client.once('connect', () => resolve())
      this.client.once('close', () => reject(new Error('the broker refused the connection')))
      this.client.connect()
    })
  }

  publish(topic: string, value: unknown): Promise<unknown> {
    return this.client.publishAsync(topic, JSON.stringify(value), { qos: 1 })
  }

  /** The next message on a topic that has not been taken yet. */
  async take(topic: string): Promise<Record<string, unknown>> {
    const index = await until(() => {
      const found = this.messages.findIndex((message) => message.topic === topic)
      return found < 0 ? undefined : found
    })
    const [message] = this.messages.splice(index, 1)
    return JSON.parse(message?.text ?? '') as Record<string, unknown>
  }

  close(): Promise<void> {
    return this.client.endAsync(true)
  }
}

/** Waits until `look` finds something, at most `withinMs`. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  withinMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`nothing came within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Lets everything under way finish: for "nothing arrives" there is nothing to wait for but time. */
export function settle(ms = 1_000): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The stored notifications of all devices, as the pending table holds them. */
export async function pendingTexts(target: Target): Promise<string[]> {
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
