import { readFileSync } from 'node:fs'
import https from 'node:https'
import { createSecureContext } from 'node:tls'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import mqtt, { type MqttClient } from 'mqtt'
import type { LocalFile } from '../bin/demo.ts'
import { makePrivateKey, makeRequest } from '../packages/device/src/certificate.ts'
import type { Activation } from '../tools/conformance/plain-device.ts'

/** A device of plain mqtt.js: the load must not measure the SDK's own disk writes. */
export interface FleetDevice {
  readonly deviceId: string
  readonly token: string
  readonly client: MqttClient
  /** Where the device says that it no longer wants the topic. */
  readonly unregisterTopic: string
  /** PEM. */
  readonly credentials: { readonly cert: string; readonly key: string }
}

export type Arrival = (alert: string, stored: boolean) => void

export interface Member {
  readonly key: string
  readonly activation: Activation
}

/** As the default, activations and connects under way at the same time. */
const WIDTH = 16

/**
 * Activates, connects and registers `count` devices. They acknowledge after `distanceMs`, as devices
 * that are so far away.
 */
export async function makeFleet(
  local: LocalFile,
  count: number,
  onArrival: Arrival,
  distanceMs = 0,
): Promise<FleetDevice[]> {
  const agent = new https.Agent({
    keepAlive: true,
    maxSockets: WIDTH,
    ca: readFileSync(local.activation.ca),
  })
  try {
    return await inParallel(count, WIDTH, async () => {
      const member = await activate(local, agent)
      const device = await connect(member, local.provider.topic, onArrival)
      if (distanceMs > 0)
        device.client.handleMessage = (_packet, done) => void setTimeout(done, distanceMs)
      return device
    })
  } finally {
    agent.destroy()
  }
}

export async function inParallel<T>(
  count: number,
  width: number,
  work: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const lane = async () => {
    while (next < count) {
      const index = next
      next += 1
      results[index] = await work(index)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  return results
}

export async function activate(local: LocalFile, agent: https.Agent): Promise<Member> {
  const key = makePrivateKey()
  const body = JSON.stringify({
    csr: await makeRequest(key),
    activationCode: local.activation.code,
  })
  return { key, activation: await post(local.activation.url, body, agent) }
}

function post(url: string, body: string, agent: https.Agent): Promise<Activation> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const call = https.request(url, { method: 'POST', headers, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        response.statusCode === 201
          ? resolve(JSON.parse(text) as Activation)
          : reject(new Error(`activation was refused: ${response.statusCode} ${text}`)),
      )
    })
    call.on('error', reject)
    call.end(body)
  })
}

function connect(member: Member, topic: string, onArrival: Arrival): Promise<FleetDevice> {
  const { activation, key } = member
  const { deviceId, mqtt: broker, publish } = activation
  return new Promise((resolve, reject) => {
    const options = {
      protocol: 'mqtts' as const,
      host: broker.host,
      port: broker.port,
      servername: broker.host,
      // read once: a device parses its certificate at its start and not at every connection
      secureContext: createSecureContext({ ca: broker.ca, cert: activation.certificate, key }),
      clientId: deviceId,
      clean: true,
      reconnectPeriod: 0,
      manualConnect: true,
    }
    const client = mqtt.connect(options)
    let device: FleetDevice | undefined
    client.on('message', (name, payload) => {
      const message = JSON.parse(payload.toString()) as Record<string, never>
      if (name === downTopics.token) {
        device = {
          deviceId,
          token: message.token ?? '',
          client,
          unregisterTopic: publish.unregister,
          credentials: { cert: activation.certificate, key },
        }
        resolve(device)
      } else if (name === downTopics.notification && device) {
        const { aps } = message.payload as unknown as { aps: { alert: string } }
        onArrival(aps.alert, Boolean(message.stored))
      }
    })
    client.on('error', reject)
    client.on('connect', () => {
      if (device)
        client.publish(publish.connect, JSON.stringify({ tokens: [device.token] }), { qos: 1 })
      else client.publish(publish.register, JSON.stringify({ topic }), { qos: 1 })
    })
    client.connect()
  })
}

/** Closes and opens the connection of every device; resolves once all have said that they are there. */
export async function reconnect(devices: readonly FleetDevice[], width = 32): Promise<void> {
  await inParallel(devices.length, width, async (index) => {
    const device = devices[index]
    if (!device) return
    await new Promise<void>((resolve) => {
      device.client.once('connect', () => resolve())
      device.client.reconnect()
    })
  })
}
