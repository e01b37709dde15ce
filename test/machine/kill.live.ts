import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LocalFile } from '../../bin/demo.ts'
import { until } from '../../tools/conformance/plain-device.ts'
import { activatePlainly, requestOn } from '../e2e/support.ts'

/**
 * A process of its own that is killed under load, again and again: nothing that it accepted may be
 * lost. KILLS=60 npm run test:machine -- test/machine/kill.live.ts for the long form.
 */
const KILLS = Number(process.env.KILLS ?? 5)
const PORT_BASE = Number(process.env.KILL_PORT_BASE ?? 18_400)
const TOPIC = 'com.example.app'
const root = fileURLToPath(new URL('../..', import.meta.url))

interface KillDevice {
  readonly client: MqttClient
  token: string
  readonly heard: Set<string>
}

let state: string
let child: ChildProcess
/** What became of each notification, as all processes logged it. */
const ends = new Map<string, string>()
const devices: KillDevice[] = []

const local = () => JSON.parse(readFileSync(join(state, 'local.json'), 'utf8')) as LocalFile

async function start(): Promise<void> {
  const config = join(state, 'settings.json')
  writeFileSync(config, JSON.stringify({ logOutcomes: true }))
  const args = ['bin/heliograph.mjs', 'serve', '--dev', '--state', state, '--config', config]
  child = spawn(process.execPath, [...args, '--port-base', String(PORT_BASE)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  createInterface({ input: child.stdout as Readable }).on('line', (line) => {
    const { outcome, id } = parseLine(line)
    if (outcome) log.set(id, [...(log.get(id) ?? []), outcome])
    if (outcome === 'stored') stored.add(id)
    if (final.has(outcome)) ends.set(id, outcome)
  })
  await until(() => existsSync(join(state, 'local.json')))
}

/** Every outcome of each notification. */
const log = new Map<string, string[]>()
/** Those that were in a slot at some time. */
const stored = new Set<string>()
/** The device of each notification, in the order of sending. */
const sentTo = new Map<string, number>()

const isHeard = (id: string) => devices[sentTo.get(id) ?? -1]?.heard.has(id) ?? false

/** Whether its device has heard one that was sent after it: in the slot the newest wins. */
function hasNewer(id: string): boolean {
  const at = sentTo.get(id)
  const later = [...sentTo].slice([...sentTo.keys()].indexOf(id) + 1)
  return later.some(([other, device]) => device === at && isHeard(other))
}

const final = new Set(['delivered', 'drained', 'coalesced', 'expired', 'undeliverable'])

/** The last line of a process that was killed may be half a one. */
function parseLine(line: string): { readonly outcome: string; readonly id: string } {
  try {
    return JSON.parse(line) as { outcome: string; id: string }
  } catch {
    return { outcome: '', id: '' }
  }
}

async function kill(): Promise<void> {
  rmSync(join(state, 'local.json'), { force: true })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'heliograph-kill-'))
  await start()
  for (let n = 0; n < 4; n += 1) devices.push(await openDevice())
})

/** A device that comes back at once, however often; the SDK would wait longer and longer. */
async function openDevice(): Promise<KillDevice> {
  const { key, answer } = await activatePlainly({ local: local() })
  const { deviceId, certificate, publish } = answer
  const client = mqtt.connect({
    ...{ protocol: 'mqtts', host: answer.mqtt.host, port: answer.mqtt.port, ca: answer.mqtt.ca },
    ...{ cert: certificate, key, clientId: deviceId, clean: true, reconnectPeriod: 200 },
  })
  client.on('error', () => {})
  const device: KillDevice = { client, token: '', heard: new Set() }
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
  return device
}

afterAll(async () => {
  for (const { client } of devices) await client.endAsync(true)
  child?.kill('SIGKILL')
  rmSync(state, { recursive: true, force: true })
})

/** Sends to every device until the connection breaks; resolves to what was accepted, and what had no answer. */
async function load(): Promise<{
  readonly accepted: string[]
  readonly open: Map<number, string>
}> {
  const session = connect()
  const accepted: string[] = []
  const open = new Map<number, string>()
  const lane = async (at: number) => {
    for (;;) {
      const id = randomUUID()
      open.set(at, id)
      if ((await send(session, at, id)) !== 200) return
      open.delete(at)
      accepted.push(id)
    }
  }
  await Promise.all(devices.map((_, at) => lane(at)))
  session.destroy()
  return { accepted, open }
}

function connect(): http2.ClientHttp2Session {
  const { url, ca, cert, key } = local().provider
  const pem = (path: string) => readFileSync(path)
  const session = http2.connect(url, { ca: pem(ca), cert: pem(cert), key: pem(key) })
  return session.on('error', () => {})
}

async function send(session: http2.ClientHttp2Session, at: number, id: string): Promise<number> {
  const token = devices[at]?.token ?? ''
  const headers = { 'apns-id': id }
  sentTo.set(id, at)
  const answer = await requestOn(session, { token, topic: TOPIC, headers }).catch(() => undefined)
  return answer?.status ?? 0
}

/** As a provider that had no answer does: the same once more, under the same id. */
async function repeat(open: ReadonlyMap<number, string>): Promise<string[]> {
  const session = connect()
  const ids = [...open]
  for (const [at, id] of ids) expect(await send(session, at, id)).toBe(200)
  session.destroy()
  return ids.map(([, id]) => id)
}

test(
  `nothing that was accepted is lost in ${KILLS} kills under load`,
  async () => {
    const accepted: string[] = []
    for (let n = 0; n < KILLS; n += 1) {
      const sending = load()
      await wait(300 + (n % 7) * 40)
      await kill()
      const loaded = await sending
      await start()
      accepted.push(...loaded.accepted, ...(await repeat(loaded.open)))
      // a process that is killed between the end of one and the line that says so leaves no line
      const isOver = (id: string) => ends.has(id) || isHeard(id) || (stored.has(id) && hasNewer(id))
      await until(() => accepted.every(isOver)).catch(() => {})
      expect(accepted.filter((id) => !isOver(id))).toEqual([])
    }
    const arrived = accepted.filter((id) => ['delivered', 'drained'].includes(ends.get(id) ?? ''))
    const heard = new Set(devices.flatMap((one) => [...one.heard]))
    expect(arrived.filter((id) => !heard.has(id))).toEqual([])
    expect(accepted.length).toBeGreaterThan(KILLS * 10)
    console.log(
      `${accepted.length} accepted in ${KILLS} kills, ${arrived.length} arrived, the others coalesced`,
    )
  },
  KILLS * 200_000,
)
