import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import {
  AttachPolicyCommand,
  IoTClient,
  RegisterCertificateWithoutCACommand,
} from '@aws-sdk/client-iot'
import mqtt from 'mqtt'
import { type Cloud, type CloudOptions, startCloud } from '../src/cloud.ts'
import { synthesizeFixture } from './fixture/app.ts'
import { type Credential, issue } from './gateway-support.ts'
import { makeDevice } from './iot-support.ts'

/** A template as tests change it. */
export interface EditableTemplate {
  Resources: Record<string, EditableResource>
}

export interface EditableResource {
  Type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests reach deep into it and break it.
  Properties: any
}

/** The synthesized fixture, and everything that tests made of it; ended by `end`. */
export interface Fixture {
  readonly assembly: string
  readonly clientCa: Credential
  /** A copy of the assembly whose templates were changed. */
  changed(change: (template: EditableTemplate) => void): string
  start(options?: Partial<CloudOptions>): Promise<{ cloud: Cloud; lines: string[]; state: string }>
  stateFolder(): string
  end(): Promise<void>
}

export async function makeFixture(): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), 'fixture-'))
  const assembly = join(folder, 'cdk.out')
  const clientCa = await issue({ subject: 'CN=Fixture CA', ca: true })
  synthesizeFixture(assembly, clientCa.cert)
  const clouds: Cloud[] = []
  let count = 0
  const numbered = (name: string) => {
    count += 1
    return join(folder, `${name}-${count}`)
  }
  return {
    assembly,
    clientCa,
    stateFolder: () => numbered('state'),
    changed(change) {
      const copy = numbered('changed')
      cpSync(assembly, copy, { recursive: true })
      for (const file of readdirSync(copy)) {
        if (file.endsWith('.template.json')) changeTemplate(join(copy, file), change)
      }
      return copy
    },
    async start(options = {}) {
      const lines: string[] = []
      const state = options.state ?? numbered('state')
      const tuning = { ttlIntervalMs: 50, asyncRetryDelaysMs: [1, 1], ...options.tuning }
      const log = (part: string, line: string) => void lines.push(`${part}: ${line}`)
      const cloud = await startCloud({ assembly, log, ...options, state, tuning })
      clouds.push(cloud)
      return { cloud, lines, state }
    },
    async end() {
      await Promise.all(clouds.map((cloud) => cloud.close()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function changeTemplate(file: string, change: (template: EditableTemplate) => void): void {
  const template = JSON.parse(readFileSync(file, 'utf8'))
  change(template)
  writeFileSync(file, JSON.stringify(template))
}

/** The resources of a type whose logical id contains `part`. */
export function resources(template: EditableTemplate, type: string, part = ''): EditableResource[] {
  return Object.entries(template.Resources)
    .filter(([id, resource]) => resource.Type === type && id.includes(part))
    .map(([, resource]) => resource)
}

/** Settings with which an SDK client is the operator of a cloud. */
export function clientOf({ environment }: Cloud) {
  return {
    endpoint: environment.AWS_ENDPOINT_URL ?? '',
    region: environment.AWS_REGION ?? '',
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    },
    maxAttempts: 1,
  }
}

/** An item of the fixture's table by its key. */
export async function item(
  cloud: Cloud,
  key: string,
): Promise<Record<string, unknown> | undefined> {
  const TableName = output(cloud, 'TableName')
  const get = new GetItemCommand({ TableName, Key: { pk: { S: key } } })
  return (await new DynamoDBClient(clientOf(cloud)).send(get)).Item
}

export function output(cloud: Cloud, key: string): string {
  return cloud.stackOutputs()['fixture-edges']?.[key] ?? ''
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

/** PUT to one of the fixture's APIs. */
export function put(
  cloud: Cloud,
  url: string,
  body: object = {},
  client?: { cert: string; key: string },
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const ca = readFileSync(cloud.caFile)
    const options = { method: 'PUT', headers, ca, agent: false, ...client }
    const call = request(url, options, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })
}

/** A device that the fixture's policy lets in, connected. */
export async function connectDevice(cloud: Cloud, name: string): Promise<mqtt.MqttClient> {
  const { cert, key } = await makeDevice(name)
  const iot = new IoTClient(clientOf(cloud))
  const { certificateArn } = await iot.send(
    new RegisterCertificateWithoutCACommand({ certificatePem: cert, status: 'ACTIVE' }),
  )
  await iot.send(new AttachPolicyCommand({ policyName: 'fixture-device', target: certificateArn }))
  return await mqtt.connectAsync(cloud.mqtt.url, {
    clientId: name,
    cert,
    key,
    ca: readFileSync(cloud.caFile),
    reconnectPeriod: 0,
  })
}
