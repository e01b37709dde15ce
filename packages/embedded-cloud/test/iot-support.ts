import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateThingCommand,
  IoTClient,
  RegisterCertificateWithoutCACommand,
} from '@aws-sdk/client-iot'
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { startEndpoint } from '../src/endpoint.ts'
import { type Iot, type IotOptions, startIot } from '../src/iot/iot.ts'
import { allows } from '../src/policy.ts'
import { type LocalTls, loadTls } from '../src/tls.ts'
import type { Caller, PolicyDocument } from '../src/types.ts'

export const ARN = 'arn:aws:iot:us-east-1:000000000000'
export const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:connect'

// biome-ignore lint/suspicious/noTemplateCurlyInString: policy variables look like this.
const THING_NAME = '${iot:Connection.Thing.ThingName}'

/** A device may connect as its thing, receive `down/*`, and publish to its own upstream topics. */
export const devicePolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'iot:Connect',
      Resource: `${ARN}:client/${THING_NAME}`,
      Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
    },
    { Effect: 'Allow', Action: 'iot:Receive', Resource: `${ARN}:topic/down/*` },
    {
      Effect: 'Allow',
      Action: 'iot:Publish',
      Resource: [`${ARN}:topic/$aws/rules/connect/${THING_NAME}`, `${ARN}:topic/up/${THING_NAME}`],
    },
  ],
}

export interface Device {
  readonly name: string
  readonly cert: string
  readonly key: string
}

export interface RegisteredDevice extends Device {
  readonly certificateId: string
  readonly certificateArn: string
}

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A self-signed certificate: AWS does not ask who issued one that is registered without a CA. */
export async function makeDevice(
  name: string,
  validity: { notBefore?: Date; notAfter?: Date } = {},
): Promise<Device> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: keyAlgorithm,
    notBefore: validity.notBefore ?? new Date(Date.now() - 60_000),
    notAfter: validity.notAfter ?? new Date(Date.now() + 3_600_000),
  })
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { name, cert: certificate.toString('pem'), key: PemConverter.encode(der, 'PRIVATE KEY') }
}

export interface World {
  readonly iot: Iot
  readonly tls: LocalTls
  readonly stateFile: string
  readonly endpoint: string
  readonly log: string[]
  readonly invocations: { readonly functionArn: string; readonly event: unknown }[]
  readonly queued: { readonly queue: string; readonly body: string }[]
  /** The operator's clients. */
  readonly control: IoTClient
  readonly data: IoTDataPlaneClient
  /** A data-plane client of a role with these policies. */
  dataClientOf(documents: readonly PolicyDocument[]): IoTDataPlaneClient
  controlClientOf(documents: readonly PolicyDocument[]): IoTClient
  /** Registers a device as the activation function does: certificate, thing, both attached, policy. */
  register(device: Device, policy?: string): Promise<RegisteredDevice>
  /** A registered device with the device policy. */
  device(name: string): Promise<RegisteredDevice>
  connect(device: Device, options?: IClientOptions): Promise<MqttClient>
  /** Ends IoT and starts it again on the same state; the endpoint stays. */
  restart(options?: Partial<IotOptions>): Promise<void>
  close(): Promise<void>
}

export async function startWorld(options: Partial<IotOptions> = {}): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), 'iot-'))
  const tls = await loadTls(dir, [])
  const log: string[] = []
  const invocations: World['invocations'] = []
  const queued: World['queued'] = []
  const roles = new Map<string, Caller>([['operator', { name: 'operator', may: () => true }]])
  const clients: MqttClient[] = []
  const stateFile = join(dir, 'iot.jsonl')

  const start = async (more: Partial<IotOptions>) => {
    const iot = await startIot({
      identity: { accountId: '000000000000', region: 'us-east-1' },
      tls,
      host: '127.0.0.1',
      mqttPort: 0,
      stateFile,
      retainedFile: join(dir, 'iot-retained.jsonl'),
      functions: {
        invoke: () => Promise.reject(new Error('IoT rules invoke asynchronously.')),
        invokeAsync: (functionArn, event) => void invocations.push({ functionArn, event }),
      },
      sendToQueue: async (queue, body) => void queued.push({ queue, body }),
      permits: (_function, _principal, sourceArn) => !sourceArn.endsWith('/forbidden'),
      log: (_part, line) => void log.push(line),
      ...options,
      ...more,
    })
    iot.putPolicy('device', devicePolicy)
    return iot
  }
  let iot = await start({})
  const services = ['iot', 'iotdata'].map((name) => ({
    signingNames: [name],
    handle: (...args: Parameters<Iot['services'][number]['handle']>) => {
      const service = iot.services.find(({ signingNames }) => signingNames.includes(name))
      return service?.handle(...args) ?? Promise.reject(new Error(`There is no service ${name}.`))
    },
  }))
  const endpoint = await startEndpoint({
    host: '127.0.0.1',
    port: 0,
    signers: (id) => {
      const caller = roles.get(id)
      return caller && { caller, secretAccessKey: 'secret' }
    },
    services,
    log: (_part, line) => void log.push(line),
  })

  const settingsOf = (accessKeyId: string) => ({
    endpoint: endpoint.url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    maxAttempts: 1,
  })
  const roleOf = (documents: readonly PolicyDocument[]) => {
    const name = `role-${roles.size}`
    roles.set(name, {
      name,
      may: (action, resource, context) => allows(documents, { action, resource, context }),
    })
    return settingsOf(name)
  }
  const control = new IoTClient(settingsOf('operator'))
  const data = new IoTDataPlaneClient(settingsOf('operator'))

  async function register(device: Device, policy = 'device'): Promise<RegisteredDevice> {
    const { certificateArn = '', certificateId = '' } = await control.send(
      new RegisterCertificateWithoutCACommand({ certificatePem: device.cert, status: 'ACTIVE' }),
    )
    await control.send(new CreateThingCommand({ thingName: device.name }))
    await control.send(
      new AttachThingPrincipalCommand({
        thingName: device.name,
        principal: certificateArn,
        thingPrincipalType: 'EXCLUSIVE_THING',
      }),
    )
    await control.send(new AttachPolicyCommand({ policyName: policy, target: certificateArn }))
    return { ...device, certificateArn, certificateId }
  }

  return {
    get iot() {
      return iot
    },
    tls,
    stateFile,
    endpoint: endpoint.url,
    log,
    invocations,
    queued,
    control,
    data,
    dataClientOf: (documents) => new IoTDataPlaneClient(roleOf(documents)),
    controlClientOf: (documents) => new IoTClient(roleOf(documents)),
    register,
    device: async (name) => register(await makeDevice(name)),
    async connect(device, options = {}) {
      const client = mqtt.connect(optionsFor(iot, tls, device, options))
      clients.push(client)
      await connected(client)
      return client
    },
    async restart(more = {}) {
      await iot.close()
      iot = await start(more)
    },
    async close() {
      for (const client of clients) client.end(true)
      control.destroy()
      data.destroy()
      await iot.close()
      await endpoint.close()
      rmSync(dir, { recursive: true })
    },
  }
}

export function optionsFor(
  iot: Iot,
  tls: LocalTls,
  device: Device,
  options: IClientOptions = {},
): IClientOptions {
  return {
    protocol: 'mqtts',
    host: iot.host,
    port: iot.port,
    clientId: device.name,
    cert: device.cert,
    key: device.key,
    ca: tls.ca,
    reconnectPeriod: 0,
    connectTimeout: 5000,
    ...options,
  }
}

/** Resolves at the CONNACK; rejects with the refusal, or `closed` when the broker just hangs up. */
export function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
    client.once('close', () => reject(new Error('closed')))
  })
}

export function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()))
}

/** Waits for a condition, as long as a busy machine may take. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true.`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A device that does nothing by itself: it collects PUBLISH packets and acknowledges when told. */
export interface RawDevice {
  readonly published: {
    readonly messageId: number
    readonly topic: string
    readonly text: string
  }[]
  acknowledge(messageId: number): void
  send(bytes: Buffer): void
  readonly closed: Promise<void>
  end(): void
}

export async function rawDevice(iot: Iot, tls: LocalTls, device: Device): Promise<RawDevice> {
  const socket = connectTls({
    host: iot.host,
    port: iot.port,
    cert: device.cert,
    key: device.key,
    ca: tls.ca,
  })
  const published: RawDevice['published'] = []
  let buffered = Buffer.alloc(0)
  let connack = () => {}
  const ready = new Promise<void>((resolve) => {
    connack = resolve
  })
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    buffered = Buffer.concat([buffered, chunk])
    for (let packet = nextPacket(buffered); packet !== undefined; packet = nextPacket(buffered)) {
      buffered = buffered.subarray(packet.size)
      if (packet.type === 2) connack()
      if (packet.type === 3) published.push(readPublish(packet.flags, packet.body))
    }
  })
  const closing = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const id = Buffer.from(device.name)
  const variable = Buffer.from([0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, id.length])
  socket.write(Buffer.concat([Buffer.from([0x10, variable.length + id.length]), variable, id]))
  await Promise.race([ready, closing])
  return {
    published,
    acknowledge: (messageId) =>
      void socket.write(Buffer.from([0x40, 2, messageId >> 8, messageId & 255])),
    send: (bytes) => void socket.write(bytes),
    closed: closing,
    end: () => socket.destroy(),
  }
}

function nextPacket(bytes: Buffer) {
  let length = 0
  let shift = 0
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    length |= (byte & 127) << shift
    shift += 7
    if (byte > 127) continue
    const size = at + 1 + length
    if (bytes.length < size) return undefined
    const first = bytes[0] ?? 0
    return { type: first >> 4, flags: first & 15, body: bytes.subarray(at + 1, size), size }
  }
  return undefined
}

function readPublish(flags: number, body: Buffer) {
  const topicEnd = 2 + body.readUInt16BE(0)
  const acknowledged = (flags & 6) !== 0
  return {
    topic: body.toString('utf8', 2, topicEnd),
    messageId: acknowledged ? body.readUInt16BE(topicEnd) : 0,
    text: body.toString('utf8', topicEnd + (acknowledged ? 2 : 0)),
  }
}
