import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Settings } from '@heliograph/machine/settings'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import mqtt, { type MqttClient } from 'mqtt'
import type { LocalFile } from '../../bin/demo.ts'
import { until } from '../../tools/conformance/plain-device.ts'
import { activatePlainly, requestOn } from '../e2e/support.ts'

const TOPIC = 'com.example.app'
const root = fileURLToPath(new URL('../..', import.meta.url))

export interface ServedDevice {
  readonly client: MqttClient
  token: string
  readonly heard: Set<string>
}

const final = new Set(['delivered', 'drained', 'coalesced', 'expired', 'undeliverable'])

/** `heliograph serve --dev` in a process of its own, and what its processes have said of each notification. */
export class Served {
  readonly state: string
  readonly #portBase: number
  readonly #settings: Partial<Settings>
  #child: ChildProcess | undefined
  readonly devices: ServedDevice[] = []
  /** What became of each notification, as all processes logged it. */
  readonly ends = new Map<string, string>()
  /** Those that were in a slot at some time. */
  readonly #stored = new Set<string>()
  /** The device of each notification, in the order of sending. */
  readonly #sentTo = new Map<string, number>()

  constructor(state: string, portBase: number, settings: Partial<Settings> = {}) {
    this.state = state
    this.#portBase = portBase
    this.#settings = { logOutcomes: true, ...settings }
  }

  get local(): LocalFile {
    return JSON.parse(readFileSync(join(this.state, 'local.json'), 'utf8')) as LocalFile
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Where `/healthz` is. */
  get healthUrl(): string {
    return `http://127.0.0.1:${this.#portBase + 3}/healthz`
  }

  async start(): Promise<void> {
    this.spawn().stderr?.pipe(process.stderr, { end: false })
    await until(() => existsSync(join(this.state, 'local.json')))
  }

  spawn(): ChildProcess {
    const { state } = this
    const config = join(state, 'settings.json')
    if (!existsSync(config)) writeFileSync(config, JSON.stringify(this.#settings))
    const args = ['bin/heliograph.mjs', 'serve', '--dev', '--state', state, '--config', config]
    const child = spawn(process.execPath, [...args, '--port-base', String(this.#portBase)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      const { outcome, id } = parseLine(line)
      if (outcome === 'stored') this.#stored.add(id)
      if (final.has(outcome)) this.ends.set(id, outcome)
    })
    this.#child = child
    return child
  }

  async kill(): Promise<void> {
    rmSync(join(this.state, 'local.json'), { force: true })
    const child = this.#child
    if (!child || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** A device that comes back at once, however often; the SDK would wait longer and longer. */
  async openDevice(): Promise<ServedDevice> {
    const { key, answer } = await activatePlainly({ local: this.local })
    const { deviceId, certificate, publish } = answer
    const client = mqtt.connect({
      ...{ protocol: 'mqtts', host: answer.mqtt.host, port: answer.mqtt.port, ca: answer.mqtt.ca },
      ...{ cert: certificate, key, clientId: deviceId, clean: true, reconnectPeriod: 200 },
    })
    client.on('error', () => {})
    const device: ServedDevice = { client, token: '', heard: new Set() }
    client.on('message', (topic, bytes) => {
      const message = JSON.parse(bytes.toString()) as { token: string; id: string }
      if (topic === downTopics.token) device.token = message.token
      if (topic === downTopics.notification) device.heard.add(message.id)
    })
    client.on('connect', () => {
      const tokens = device.token ? [device.token] : []
      if (!device.token)
        client.publish(publish.register, JSON.stringify({ topic: TOPIC }), { qos: 1 })
      client.publish(publish.connect, JSON.stringify({ tokens }), { qos: 1 })
    })
    await until(() => device.token || undefined)
    this.devices.push(device)
    return device
  }

  connect(): http2.ClientHttp2Session {
    const { url, ca, cert, key } = this.local.provider
    const pem = (path: string) => readFileSync(path)
    const session = http2.connect(url, { ca: pem(ca), cert: pem(cert), key: pem(key) })
    return session.on('error', () => {})
  }

  /** Sends to the device at this place; resolves to the status, 0 where the connection broke. */
  async send(
    session: http2.ClientHttp2Session,
    at: number,
    id: string = randomUUID(),
  ): Promise<number> {
    const token = this.devices[at]?.token ?? ''
    const headers = { 'apns-id': id }
    this.#sentTo.set(id, at)
    const answer = await requestOn(session, { token, topic: TOPIC, headers }).catch(() => undefined)
    return answer?.status ?? 0
  }

  /** A process that is killed between the end of one and the line that says so leaves no line. */
  isOver(id: string): boolean {
    return this.ends.has(id) || this.#isHeard(id) || (this.#stored.has(id) && this.#hasNewer(id))
  }

  async close(): Promise<void> {
    for (const { client } of this.devices) await client.endAsync(true)
    await this.kill()
  }

  #isHeard(id: string): boolean {
    return this.devices[this.#sentTo.get(id) ?? -1]?.heard.has(id) ?? false
  }

  /** Whether its device has heard one that was sent after it: in the slot the newest wins. */
  #hasNewer(id: string): boolean {
    const at = this.#sentTo.get(id)
    const later = [...this.#sentTo].slice([...this.#sentTo.keys()].indexOf(id) + 1)
    return later.some(([other, device]) => device === at && this.#isHeard(other))
  }
}

/** The last line of a process that was killed may be half a one. */
function parseLine(line: string): { readonly outcome: string; readonly id: string } {
  try {
    return JSON.parse(line) as { outcome: string; id: string }
  } catch {
    return { outcome: '', id: '' }
  }
}
