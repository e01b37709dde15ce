import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { ClientHttp2Session, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'
import http2 from 'node:http2'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { activate, inParallel, type Member } from '../../bench/fleet.ts'
import { until } from '../../tools/conformance/plain-device.ts'
import { JoinedDevice } from './joined-device.ts'
import { Served } from './served.ts'

/** Channels of a process of its own: thousands who have joined, and a process that is killed. */
const DEVICES = Number(process.env.JOINED ?? 2_000)
const PORT_BASE = Number(process.env.CHANNELS_PORT_BASE ?? 18_440)
const WIDTH = 8
const TIME_LIMIT_MS = 600_000

let served: Served
let provider: ClientHttp2Session
const open: JoinedDevice[] = []

beforeAll(async () => {
  served = new Served(mkdtempSync(join(tmpdir(), 'heliograph-channels-')), PORT_BASE)
  await served.start()
  provider = served.connect()
})

afterAll(async () => {
  for (const device of open) device.close()
  provider?.destroy()
  await served?.close()
  if (served) rmSync(served.state, { recursive: true, force: true })
})

interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const APP = 'com.example.app'
const channelsPath = `/1/apps/${APP}/channels`

function call(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: object,
): Promise<Answered> {
  // an idle connection is closed by the service, as by any other
  if (provider.closed || provider.destroyed) provider = served.connect()
  return new Promise((resolve, reject) => {
    const request = provider.request({ ':method': method, ':path': path, ...headers })
    let text = ''
    let answer: IncomingHttpHeaders & IncomingHttpStatusHeader = {}
    request.on('response', (got) => {
      answer = got
    })
    request.setEncoding('utf8').on('data', (some: string) => {
      text += some
    })
    request.on('end', () =>
      resolve({ status: answer[':status'] ?? 0, headers: answer, body: text }),
    )
    request.on('error', reject)
    request.end(body && JSON.stringify(body))
  })
}

async function newChannel(policy: 0 | 1): Promise<ChannelId> {
  const settings = { 'message-storage-policy': policy, 'push-type': 'LiveActivity' }
  const { status, headers } = await call('POST', channelsPath, {}, settings)
  expect(status).toBe(201)
  return headers['apns-channel-id'] as ChannelId
}

function publish(channel: ChannelId, alert: string, expiration = 0): Promise<Answered> {
  const headers = {
    'apns-channel-id': channel,
    'apns-push-type': 'liveactivity',
    'apns-expiration': String(expiration),
  }
  return call('POST', `/4/broadcasts/apps/${APP}`, headers, { aps: { alert } })
}

/** A busy service is asked again, as a device does. */
async function activated(agent: https.Agent, tries = 20): Promise<Member> {
  try {
    return await activate(served.local, agent)
  } catch (fault) {
    if (tries === 1) throw fault
    await wait(1_000)
    return activated(agent, tries - 1)
  }
}

/** Activated, each with a key of its own. */
async function members(count: number): Promise<Member[]> {
  const { local } = served
  const ca = readFileSync(local.activation.ca)
  const agent = new https.Agent({ keepAlive: true, maxSockets: WIDTH, ca })
  const made = await inParallel(count, WIDTH, () => activated(agent))
  agent.destroy()
  return made
}

function joinedBy(member: Member, channel: ChannelId): Promise<JoinedDevice> {
  const device = new JoinedDevice(member, [channelTopic(channel)])
  open.push(device)
  return device.ready()
}

const alertsOf = ({ heard }: JoinedDevice) =>
  heard
    .map(({ text }) => (JSON.parse(text) as { payload: { aps: { alert: string } } }).payload)
    .map(({ aps }) => aps.alert)

test(
  `one publish reaches ${DEVICES} devices that have joined, once each, and one of them that reads nothing holds up none`,
  async () => {
    const channel = await newChannel(0)
    const all = await members(DEVICES)
    const devices = await inParallel(DEVICES, WIDTH, (at) => joinedBy(all[at] as Member, channel))
    expect(devices.every(({ granted }) => granted[0] === 1)).toBe(true)
    const [dead, ...others] = devices as [JoinedDevice, ...JoinedDevice[]]
    dead.pause()
    for (const alert of ['first', 'second']) {
      expect((await publish(channel, alert)).status).toBe(200)
      await until(() => others.every((one) => alertsOf(one).includes(alert)))
    }
    await wait(500)
    expect(others.filter((one) => alertsOf(one).join() !== 'first,second')).toEqual([])
    expect(others.every(({ isConnected }) => isConnected)).toBe(true)
    const metrics = await (await fetch(served.healthUrl.replace('healthz', 'metrics'))).text()
    expect(metrics).toContain(`heliograph_channel_subscriptions ${DEVICES}`)
    expect(metrics).toContain('heliograph_broadcasts_total{outcome="published"} 2')
    for (const device of devices) device.close()
  },
  TIME_LIMIT_MS,
)

/** As a crash does it; the provider connects anew. */
async function killAndStart(): Promise<void> {
  provider.destroy()
  await served.kill()
  await served.start()
  provider = served.connect()
}

test(
  'what a channel stores outlives kill -9, until its second, and not its deletion',
  async () => {
    const [kept, deleted] = [await newChannel(1), await newChannel(1)]
    const late = Math.floor(Date.now() / 1_000) + 3_600
    expect((await publish(kept, 'kept', late)).status).toBe(200)
    expect((await publish(deleted, 'deleted', late)).status).toBe(200)
    const { status } = await call('DELETE', channelsPath, { 'apns-channel-id': deleted })
    expect(status).toBe(204)
    await killAndStart()
    const [first, second] = (await members(2)) as [Member, Member]
    const device = await joinedBy(first, kept)
    await until(() => device.heard.length > 0)
    expect(alertsOf(device)).toEqual(['kept'])
    expect(device.heard[0]?.retained).toBe(true)
    expect((await joinedBy(second, deleted)).heard).toEqual([])
    const gone = await call('GET', channelsPath, { 'apns-channel-id': deleted })
    expect([gone.status, gone.body]).toEqual([400, '{"reason":"ChannelNotRegistered"}'])
    const soon = Math.floor(Date.now() / 1_000) + 3
    expect((await publish(kept, 'short', soon)).status).toBe(200)
    await until(() => alertsOf(device).includes('short'))
    await until(() => Date.now() >= soon * 1_000)
    const after = await joinedBy(second, kept)
    await wait(300)
    expect(after.heard).toEqual([])
  },
  TIME_LIMIT_MS,
)

test('channels have a port of their own, which answers everything that the other does', async () => {
  const { channels } = JSON.parse(readFileSync(join(served.state, 'local.json'), 'utf8')) as {
    channels: { url: string; ca: string }
  }
  expect(new URL(channels.url).port).toBe(String(PORT_BASE + 4))
  const { cert, key } = served.local.provider
  const pem = (path: string) => readFileSync(path)
  provider.destroy()
  provider = http2.connect(channels.url, { ca: pem(channels.ca), cert: pem(cert), key: pem(key) })
  const channel = await newChannel(1)
  expect((await publish(channel, 'hello')).status).toBe(200)
  const { status, body } = await call('GET', `/1/apps/${APP}/all-channels`)
  expect(status).toBe(200)
  expect((JSON.parse(body) as { channels: string[] }).channels).toContain(channel)
})
