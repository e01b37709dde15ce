import { readFileSync } from 'node:fs'
import https from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import { generate, type IPublishPacket, parser } from 'mqtt-packet'
import type { LocalFile } from '../../bin/demo.ts'
import { activate, inParallel, type Member } from '../fleet.ts'

/** What a crowd tells its parent once everyone in it is connected and registered. */
export interface CrowdReady {
  readonly tokens: readonly string[]
}

/** How many of the crowd are still connected, and how many notifications they have received: the answer to `count`. */
export interface CrowdCount {
  readonly connected: number
  readonly heard: number
}

/** Activations and handshakes under way at the same time. */
const WIDTH = 16

interface Crowd {
  readonly sockets: TLSSocket[]
  heard: number
}

/**
 * Devices of little more than a socket each, in a process of their own. Arguments: the path of `local.json`, and how
 * many there are.
 */
async function main(localFile: string, count: number): Promise<void> {
  const local = JSON.parse(readFileSync(localFile, 'utf8')) as LocalFile
  const ca = readFileSync(local.activation.ca)
  const agent = new https.Agent({ keepAlive: true, maxSockets: WIDTH, ca })
  const crowd: Crowd = { sockets: [], heard: 0 }
  const tokens = await inParallel(count, WIDTH, async () =>
    join(await activated(local, agent), local.provider.topic, crowd),
  )
  agent.destroy()
  process.on('message', () => {
    const connected = crowd.sockets.filter(({ destroyed }) => !destroyed).length
    process.send?.({ connected, heard: crowd.heard } satisfies CrowdCount)
  })
  process.once('disconnect', () => process.exit(0))
  process.send?.({ tokens } satisfies CrowdReady)
}

const TRIES = 5

/** A busy service is asked again, as a device does. */
async function activated(local: LocalFile, agent: https.Agent, tries = TRIES): Promise<Member> {
  try {
    return await activate(local, agent)
  } catch (fault) {
    if (tries === 1) throw fault
    await wait(1_000)
    return activated(local, agent, tries - 1)
  }
}

/** Connects and registers; resolves to the device's token. */
function join({ key, activation }: Member, topic: string, crowd: Crowd): Promise<string> {
  const { deviceId: clientId, mqtt, publish, certificate: cert } = activation
  const secureContext = createSecureContext({ ca: mqtt.ca, cert, key })
  const { host, port } = mqtt
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, servername: host, secureContext })
    const packets = parser({ protocolVersion: 4 })
    const say = (packet: Parameters<typeof generate>[0]) => socket.write(generate(packet))
    const hear = (packet: IPublishPacket) => {
      if (packet.topic === downTopics.notification) crowd.heard += 1
      if (packet.qos > 0) say({ cmd: 'puback', messageId: packet.messageId ?? 0 })
      if (packet.topic === downTopics.token)
        resolve((JSON.parse(packet.payload.toString()) as { token: string }).token)
    }
    packets.on('packet', (packet) => {
      if (packet.cmd === 'connack') say(request(publish.register, { topic }))
      else if (packet.cmd === 'publish') hear(packet)
    })
    socket.setNoDelay()
    socket.on('data', (chunk) => packets.parse(chunk))
    socket.on('error', reject)
    socket.once('close', () => reject(new Error(`${clientId} was disconnected`)))
    socket.once('secureConnect', () => {
      crowd.sockets.push(socket)
      const version = { protocolId: 'MQTT', protocolVersion: 4, clean: true } as const
      say({ cmd: 'connect', ...version, clientId, keepalive: 1_200 })
    })
  })
}

function request(topic: string, body: object) {
  const flags = { qos: 1, dup: false, retain: false } as const
  return { cmd: 'publish', topic, payload: JSON.stringify(body), messageId: 1, ...flags } as const
}

const [localFile = '', count = '0'] = process.argv.slice(2)
main(localFile, Number(count)).catch((fault: unknown) => {
  console.error(fault)
  process.exit(1)
})
