import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { type Device, type Notification, openDevice } from '@heliograph/device'
import { type Machine, startMachine } from '@heliograph/machine/machine'
import type { MoveProgress } from '@heliograph/machine/operator/contract'
import { defaultSettings } from '@heliograph/machine/settings'
import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ran, run, scratchFolder } from './support.ts'

/** A machine that moves to another one, step by step; each test is one. */

const TOPIC = 'com.example.app' as Topic
/** A topic of which several notifications wait. */
const LINE = 'com.example.line' as Topic
const TEAM = 'ABCDE12345'
const scratch = scratchFolder()
const file = (name: string) => join(scratch.path, name)

let old: Machine
let next: Machine
let device: Device
let token: string
let lineToken: string
let keyId: string
const shown: string[] = []
const shownOfLine: string[] = []
const show = ({ topic, payload }: Pick<Notification, 'topic' | 'payload'>) =>
  void (topic === LINE ? shownOfLine : shown).push(
    (payload as { readonly aps: { readonly alert: string } }).aps.alert,
  )

function serve(folder: string, ports?: Machine['ports']): Promise<Machine> {
  return startMachine({
    ...{ folder: file(folder), key: new Uint8Array(32).fill(3), keySource: 'file' },
    log: { info() {}, warn() {}, error() {} },
    settings: {
      ...defaultSettings,
      pending: { [LINE]: { perCollapseId: 3 } },
      providerPort: ports?.provider ?? 0,
      activationPort: ports?.activation ?? 0,
      devicePort: ports?.devices ?? 0,
      metricsPort: ports?.metrics ?? 0,
      channelPort: ports?.channels ?? 0,
    },
  })
}

const at = (folder: 'old' | 'next', ...argv: string[]): Promise<Ran> =>
  run(['--target', 'machine', '--state', file(folder), ...argv])

async function json<T>(folder: 'old' | 'next', ...argv: string[]): Promise<T> {
  const { code, out, err } = await at(folder, ...argv, '--json')
  if (code !== 0) throw new Error(`heliograph ${argv.join(' ')} ended with ${code}: ${err}`)
  return JSON.parse(out) as T
}

const progress = () => json<MoveProgress>('old', 'move', 'status')

const send = (folder: 'old' | 'next', alert: string) =>
  at(
    ...([folder, 'send', '--token', token, '--topic', TOPIC, '--alert', alert] as const),
    ...['--key', file('app.p8'), '--key-id', keyId, '--team-id', TEAM],
  )

const sendInLine = (alert: string, ...flags: string[]) =>
  at(
    ...(['old', 'send', '--token', lineToken, '--topic', LINE, '--alert', alert] as const),
    ...['--key', file('app.p8'), '--key-id', keyId, '--team-id', TEAM, ...flags],
  )

async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const exportTo = (name: string, ...flags: string[]) =>
  at('old', 'export', '--to', file(name), '--passphrase-file', file('passphrase'), ...flags)

const importFrom = (name: string) =>
  json<object>(
    ...(['next', 'import', '--from', file(name)] as const),
    ...['--passphrase-file', file('passphrase'), '--yes'],
  )

const announce = (...flags: string[]) => {
  writeFileSync(file('ca.pem'), next.serverAuthority)
  const to = `localhost:${next.ports.devices}`
  return at('old', 'move', 'announce', '--to', to, '--ca', file('ca.pem'), ...flags)
}

beforeAll(async () => {
  ;[old, next] = await Promise.all([serve('old'), serve('next')])
  writeFileSync(file('passphrase'), 'correct horse battery staple')
  ;({ keyId } = await json<{ keyId: string }>(
    ...(['old', 'provider', 'key', 'create', TOPIC, LINE, '--team', TEAM] as const),
    ...['--out', file('app.p8')],
  ))
  await json('old', 'provider', 'issue', TOPIC, '--out', file('app'))
  const [{ code } = { code: '' }] = await json<{ code: string }[]>('old', 'device', 'invite')
  const url = `https://localhost:${old.ports.activation}/activate`
  device = await openDevice({
    directory: file('device'),
    activation: { url, code, ca: old.serverAuthority },
    random: () => 0.01,
  })
  device.on('error', () => {})
  device.onNotification(show)
  await device.connect()
  token = await device.register(TOPIC)
  lineToken = await device.register(LINE)
})

afterAll(async () => {
  await device?.close()
  await old?.close()
  await next?.close()
  scratch.remove()
})

describe('before the machine is closed', () => {
  it('no device is sent away from what still comes', async () => {
    expect(await announce('--yes')).toMatchObject({
      code: 4,
      err: expect.stringContaining('export with --final'),
    })
    expect(await at('old', 'move', 'cancel', '--yes')).toMatchObject({ code: 4 })
    expect(await progress()).toMatchObject({ state: 'serving', devices: 1, followed: 0 })
  })

  it('a dead letter keeps it open, because no export holds it', async () => {
    const sent = await send('old', 'first')
    expect(sent.out).toContain('200, accepted')
    await until(() => shown.length === 1)
    const [slot] = await old.store.pending.list(device.deviceId as DeviceId)
    expect(slot).toBeUndefined()
    const letters = old.deadLetters
    const count = letters.count
    letters.count = () => 2
    expect(await exportTo('refused', '--final')).toMatchObject({
      code: 4,
      err: expect.stringContaining('2 dead letters'),
    })
    letters.count = count
    expect((await send('old', 'second')).out).toContain('200, accepted')
    await until(() => shown.length === 2)
  })
})

describe('a machine that is closed', () => {
  it('gives what waits to the export, and takes nothing more', async () => {
    await device.close()
    expect((await send('old', 'third')).out).toContain('200, accepted')
    // by the names of their slots the last one would come first
    for (const [alert, ...flags] of [
      ['score 1', '--collapse-id', 'score'],
      ['news 1'],
      ['news 2'],
      ['score 2', '--collapse-id', 'score'],
    ] as const)
      expect((await sendInLine(alert, ...flags)).out).toContain('200, accepted')
    expect(await exportTo('fleet', '--final')).toMatchObject({ code: 0 })
    const refused = await send('old', 'fourth')
    expect(refused.code).not.toBe(0)
    expect(refused.out + refused.err).toMatch(/503.*this service has moved/s)
    expect(await activate()).toMatchObject({ status: 503 })
    expect(await at('old', 'device', 'invite')).toMatchObject({
      code: 4,
      err: expect.stringContaining('heliograph move cancel'),
    })
    expect(await at('old', 'device', 'list')).toMatchObject({ code: 0 })
    expect(await progress()).toMatchObject({ state: 'closed', devices: 1, followed: 0 })
    const doctor = await at('old', 'doctor')
    expect(doctor.out).toContain('on its way to another place')
  })

  it('sends a device nothing, takes nothing of it, and stays closed in the next process', async () => {
    const { ports } = old
    await old.close()
    old = await serve('old', ports)
    const logged: string[] = []
    device = await openDevice({
      directory: file('device'),
      random: () => 0.01,
      log: (line) => void logged.push(line),
    })
    device.on('error', () => {})
    device.onNotification(show)
    const accepted = new Promise((resolve) => device.on('accepted', resolve))
    await device.connect()
    expect(await accepted).toEqual({ topics: [TOPIC, LINE] })
    const left = device.register('com.example.later')
    left.catch(() => {})
    // the slot would have been tried at once
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(shown).toEqual(['first', 'second'])
    const { deviceId } = device
    const kept = await old.store.registrations.list(deviceId as DeviceId)
    expect(kept.map(({ topic }) => topic)).toEqual([TOPIC, LINE])
  })
})

describe('its devices', () => {
  it('are not sent to where nobody lets them in', async () => {
    // one of the first topic, and all three slots of the other
    expect(await importFrom('fleet')).toMatchObject({ devices: 1, registrations: 2, pending: 4 })
    expect(await importFrom('fleet')).toMatchObject({ devices: 1, pending: 0 })
    writeFileSync(file('other.pem'), old.serverAuthority)
    const to = `localhost:${next.ports.devices}`
    const foreign = ['move', 'announce', '--to', to, '--ca', file('other.pem'), '--yes']
    expect(await at('old', ...foreign)).toMatchObject({
      code: 4,
      err: expect.stringContaining('no device was told'),
    })
    expect(await announce()).toMatchObject({ code: 4, err: expect.stringContaining('--yes') })
    expect(await progress()).toMatchObject({ state: 'closed', told: 0 })
  })

  it('follow, hear what waited there, and go on with the tokens that they have', async () => {
    const moved = new Promise((resolve) => device.on('moved', resolve))
    expect(await announce('--yes')).toMatchObject({ code: 0 })
    expect(await moved).toEqual({ host: 'localhost', port: next.ports.devices })
    await until(() => shown.length === 3)
    await until(() => shownOfLine.length === 3)
    expect((await send('next', 'fourth')).out).toContain('200, accepted')
    await until(() => shown.length === 4)
    // a repeat brings nothing back that has arrived
    expect(await importFrom('fleet')).toMatchObject({ devices: 1, pending: 0 })
    const byCertificate = await at(
      ...(['next', 'send', '--token', token, '--topic', TOPIC, '--alert', 'fifth'] as const),
      ...['--p12', file('app.p12'), '--passphrase-file', file('app.passphrase')],
    )
    expect(byCertificate.out + byCertificate.err).toContain('200, accepted')
    await until(() => shown.length === 5)
    expect(shown).toEqual(['first', 'second', 'third', 'fourth', 'fifth'])
    // in the order of acceptance, and none twice
    expect(shownOfLine).toEqual(['news 1', 'news 2', 'score 2'])
    const { deviceId } = device
    await until(async () => (await next.store.pending.list(deviceId as DeviceId)).length === 0)
    expect(await until(async () => (await progress()).followed)).toBe(1)
    expect(await progress()).toMatchObject({ state: 'announced', told: 1, waiting: [] })
  })

  it('are told to stay by a machine that serves again', async () => {
    expect(await at('old', 'move', 'cancel')).toMatchObject({
      code: 4,
      err: expect.stringContaining('without 1 device'),
    })
    expect(await at('old', 'move', 'cancel', '--yes')).toMatchObject({ code: 0 })
    expect(await progress()).toMatchObject({ state: 'withdrawn', told: 0 })
    expect((await send('old', 'again')).out).toContain('200, accepted')
  })
})

/** A request for activation, of which only the status counts. */
function activate(): Promise<{ readonly status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const options = { port: old.ports.activation, path: '/activate', method: 'POST' }
    const call = request({ ...options, host: 'localhost', ca: old.serverAuthority }, (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode })
    })
    call.once('error', reject)
    call.end(JSON.stringify({ csr: 'x', activationCode: 'x' }))
  })
}
