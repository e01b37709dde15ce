import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { broadcastText } from '@heliograph/core/channels/broadcast'
import { newChannelId } from '@heliograph/core/channels/channel-id'
import { type Machine, startMachine } from '@heliograph/machine/machine'
import { defaultSettings } from '@heliograph/machine/settings'
import type {
  ChannelId,
  DeviceId,
  NotificationId,
  Seq,
  Topic,
} from '@heliograph/protocol/identifiers'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import { ulid } from 'ulid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LocalFile } from '../../bin/demo.ts'
import { openMoveFile, sealMoveFile } from '../../packages/operator/src/move-file.ts'
import { parseMoveRecords } from '../../packages/operator/src/operations/move-record.ts'
import { machineCommand } from './machine-command.ts'
import { assemblyThatTakesKeys } from './move-support.ts'
import { heliograph, heliographJson, welcomeOperator } from './operator-support.ts'
import {
  type Activation,
  activatePlainly,
  alertOf,
  PlainDevice,
  startTarget,
  until,
} from './support.ts'
import type { Target } from './target.ts'

const TOPIC = 'com.example.moved'
/** A topic of which several notifications wait. */
const LINE = 'com.example.line'
const TEAM = 'ABCDE12345'
const folder = mkdtempSync(join(tmpdir(), 'heliograph-move-'))
const file = (name: string) => join(folder, name)

let target: Target
let machine: Machine

const { onMachine, json } = machineCommand(folder)

beforeAll(async () => {
  target = await startTarget({ assembly: assemblyThatTakesKeys() })
  welcomeOperator(target)
  machine = await startMachine({
    ...{ folder: file('state'), key: new Uint8Array(32).fill(5), keySource: 'file' },
    log: { info() {}, warn() {}, error() {} },
    settings: {
      ...defaultSettings,
      // the topics that devices publish to name the stage
      stage: target.stage,
      pending: { [LINE]: { perCollapseId: 3 } },
      ...{ providerPort: 0, activationPort: 0, devicePort: 0, metricsPort: 0, channelPort: 0 },
    },
  })
})

afterAll(async () => {
  await machine?.close()
  await target?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A device as one in the field: it knows the machine and nothing else. */
async function deviceInTheField() {
  const [{ code } = { code: '' }] = await json<{ code: string }[]>('device', 'invite')
  writeFileSync(file('ca.pem'), machine.serverAuthority)
  const url = `https://localhost:${machine.ports.activation}/activate`
  const local = { activation: { url, code, ca: file('ca.pem') } } as LocalFile
  const activation = await activatePlainly({ local })
  const device = new PlainDevice(activation)
  await device.connect()
  const register = async (topic: string) => {
    await device.publish(activation.answer.publish.register, { topic })
    return String((await device.take('heliograph/token')).token)
  }
  const [token, lineToken] = [await register(TOPIC), await register(LINE)]
  await device.close()
  return { activation, token, lineToken }
}

/** A channel of the machine's, with a broadcast for whoever joins within an hour. */
async function channelThatStores(alert: string): Promise<ChannelId> {
  const id = newChannelId({ bytes: (length) => new Uint8Array(randomBytes(length)) })
  const topic = TOPIC as Topic
  await machine.store.channels.create({ id, topic, storagePolicy: 1, createdAt: 1 })
  const expiration = Math.floor(Date.now() / 1_000) + 3_600
  const message = broadcastText({
    ...{
      id: '7c8e0f4a-2f0e-4f8e-9e57-0b8f4f1f7a11' as NotificationId,
      uniqueId: 'u',
      channel: id,
      topic,
    },
    ...{ seq: ulid() as Seq, acceptedAt: Date.now(), expiration, priority: 10 as const },
    payload: JSON.stringify({ aps: { alert } }),
  })
  await machine.store.retained.put(id, { message, expiresAt: expiration })
  return id
}

/** What the device knows, with the address of the stage instead of the machine's. */
function movedTo(
  stage: LocalFile,
  { key, answer }: { readonly key: string; readonly answer: Activation },
) {
  const { hostname: host, port } = new URL(stage.mqtt.url)
  const mqtt = { host, port: Number(port), ca: readFileSync(stage.mqtt.ca, 'utf8') }
  return { key, answer: { ...answer, mqtt } }
}

const alertIn = ({ payload }: Readonly<Record<string, unknown>>) => alertOf({ payload })

/** The notifications that wait according to an export. */
async function waitingIn(name: string): Promise<readonly string[]> {
  const text = await openMoveFile(readFileSync(file(name)), 'correct horse battery staple')
  const records = parseMoveRecords(text)
  return records.flatMap((record) => (record.kind === 'device' ? record.pending : []))
}

const sendWithKey = (
  keyId: string,
  token: string,
  alert: string,
  topic = TOPIC,
): readonly string[] => [
  ...['send', '--token', token, '--topic', topic, '--alert', alert],
  ...['--key', file('app.p8'), '--key-id', keyId, '--team-id', TEAM],
]

describe('a fleet that outgrew its machine', () => {
  it('goes on in a stage: certificates, tokens, provider keys and what waits', async () => {
    const { keyId } = await json<{ keyId: string }>(
      ...['provider', 'key', 'create', TOPIC, LINE, '--team', TEAM, '--out', file('app.p8')],
    )
    const { activation, token, lineToken } = await deviceInTheField()
    const stolen = await deviceInTheField()
    await json('device', 'revoke', stolen.activation.answer.deviceId)
    const waiting = await onMachine(...sendWithKey(keyId, token, 'sent before'))
    expect(waiting.out).toContain('200, accepted')
    // by the names of their slots the last one would come first
    for (const [alert, ...flags] of [['news 1'], ['news 2'], ['score', '--collapse-id', 'score']]) {
      const sent = await onMachine(...sendWithKey(keyId, lineToken, alert ?? '', LINE), ...flags)
      expect(sent.out).toContain('200, accepted')
    }
    const { deviceId } = activation.answer
    await until(async () => (await machine.store.pending.list(deviceId as DeviceId)).length === 4)

    const channel = await channelThatStores('goal')
    writeFileSync(file('passphrase'), 'correct horse battery staple')
    const move = [file('fleet.export'), '--passphrase-file', file('passphrase')]
    expect(await onMachine('export', '--to', ...move)).toMatchObject({ code: 0 })
    const moved = await heliographJson<object>(target, 'import', '--from', ...move, '--yes')
    expect(moved).toMatchObject({ tokenKeys: 1, devices: 2, registrations: 4, pending: 4 })
    expect(moved).toMatchObject({ channels: 1, broadcasts: 1 })
    // and the stage's own export has them all
    const back = [file('stage.export'), '--passphrase-file', file('passphrase')]
    await heliographJson(target, 'export', '--to', ...back)
    expect(await waitingIn('stage.export')).toHaveLength(4)
    const thief = new PlainDevice(movedTo(target.local, stolen.activation))
    await expect(thief.connect()).rejects.toThrow()

    const device = new PlainDevice(movedTo(target.local, activation))
    await device.connect()
    await device.publish(activation.answer.publish.connect, { tokens: [token, lineToken] })
    const { accepted, renewed, rejected } = await device.take('heliograph/connected')
    expect(rejected).toEqual([])
    // the stage has a primary token key of its own: one of the two is the newer
    expect([...(accepted as unknown[]), ...(renewed as unknown[])]).toHaveLength(2)
    const heard: Record<string, unknown>[] = []
    while (heard.length < 4) heard.push(await device.take('heliograph/notification'))
    for (const one of heard) expect(one).toMatchObject({ stored: true })
    const alertsOf = (topic: string) => heard.filter((one) => one.topic === topic).map(alertIn)
    expect(alertsOf(TOPIC)).toEqual(['sent before'])
    // in the order of acceptance
    expect(alertsOf(LINE)).toEqual(['news 1', 'news 2', 'score'])

    // the channel is there, and has what it stored
    await device.client.subscribeAsync(channelTopic(channel), { qos: 1 })
    expect(await device.take(channelTopic(channel))).toMatchObject({
      channel,
      payload: { aps: { alert: 'goal' } },
    })

    // the provider sends with the key and to the token that it always had
    const sent = await heliograph(target, [...sendWithKey(keyId, token, 'sent after')])
    expect(sent.out + sent.err).toContain('200, accepted')
    expect(await device.take('heliograph/notification')).toMatchObject({
      payload: { aps: { alert: 'sent after' } },
    })
    await device.close()

    // a repeat brings nothing back that has arrived
    const repeated = await heliographJson<object>(target, 'import', '--from', ...move, '--yes')
    expect(repeated).toMatchObject({ devices: 2, pending: 0, channels: 0, broadcasts: 0 })

    // a repeat changes nothing, and lets in nobody whom the stage has revoked since
    await heliographJson(target, 'device', 'revoke', deviceId)
    const again = await heliographJson<object>(target, 'import', '--from', ...move, '--yes')
    expect(again).toMatchObject({ tokenKeys: 0, providerKeys: 0, devices: 2, pending: 0 })
    expect(await heliographJson<object>(target, 'device', 'show', deviceId)).toMatchObject({
      device: { revokedAt: expect.any(Number) },
      registrations: [{ live: false }, { live: false }],
      pending: [],
    })
    await expect(new PlainDevice(movedTo(target.local, activation)).connect()).rejects.toThrow()
  })

  it('does not go to a stage of another name, whose devices publish elsewhere', async () => {
    writeFileSync(file('passphrase'), 'correct horse battery staple')
    const move = [file('other.export'), '--passphrase-file', file('passphrase')]
    expect(await onMachine('export', '--to', ...move)).toMatchObject({ code: 0 })
    const text = await openMoveFile(
      readFileSync(file('other.export')),
      'correct horse battery staple',
    )
    const renamed = text.replace(`"stage":"${target.stage}"`, '"stage":"elsewhere"')
    expect(renamed).not.toBe(text)
    writeFileSync(file('other.export'), await sealMoveFile(renamed, 'correct horse battery staple'))
    const refused = await heliograph(target, ['import', '--from', ...move, '--yes'])
    expect(refused).toMatchObject({ code: 4, err: expect.stringContaining('stage "elsewhere"') })
  })
})
