import { createPrivateKey, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Device, type Notification, openDevice } from '@heliograph/device'
import { type Machine, startMachine } from '@heliograph/machine/machine'
import type { MoveProgress } from '@heliograph/machine/operator/contract'
import { defaultSettings } from '@heliograph/machine/settings'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeToken } from '../../tools/conformance/bearer.ts'
import { machineCommand } from './machine-command.ts'
import { assemblyThatTakesKeys } from './move-support.ts'
import { heliographJson, welcomeOperator } from './operator-support.ts'
import { requestOn, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

/**
 * A fleet moves from one machine to a stage while its providers send: nothing that either has accepted is lost, and no app
 * is shown anything twice.
 */

const TOPIC = 'com.example.moved'
const TEAM = 'ABCDE12345'
const DEVICES = 12
/** Those that are switched off when the machine closes, and come back after it has been announced. */
const ASLEEP = 3
const folder = mkdtempSync(join(tmpdir(), 'heliograph-move-'))
const file = (name: string) => join(folder, name)

let target: Target
let machine: Machine
let keyId: string

const { json } = machineCommand(folder)

/** A device in the field, what its app was shown, and what was accepted for it, in the order of sending. */
interface Fielded {
  device: Device
  readonly directory: string
  readonly token: string
  readonly shown: Notification[]
  /** Those that came, and that the SDK showed nobody because it had shown a newer one. */
  readonly overtaken: string[]
  readonly accepted: string[]
}

const OVERTAKEN = /^notification (\S+) for .* dropped: a newer one was taken before$/

async function openFielded(
  { directory, shown, overtaken }: Pick<Fielded, 'directory' | 'shown' | 'overtaken'>,
  code?: string,
) {
  const url = `https://localhost:${machine.ports.activation}/activate`
  const device = await openDevice({
    directory,
    ...(code && { activation: { url, code, ca: machine.serverAuthority } }),
    random: () => 0.05,
    log: (line) => overtaken.push(...(OVERTAKEN.exec(line)?.slice(1) ?? [])),
  })
  device.on('error', () => {})
  device.onNotification((notification) => void shown.push(notification))
  await device.connect()
  return device
}

async function field(code: string, at: number): Promise<Fielded> {
  const own = { directory: file(`device-${at}`), shown: [], overtaken: [] }
  const device = await openFielded(own, code)
  return { ...own, device, accepted: [], token: await device.register(TOPIC) }
}

/** Where providers send; a provider that hears 503 repeats, wherever that is by then. */
let edge: { readonly url: string; readonly ca: string }
let isLoaded = true
/** Answers other than 200, by status. */
const answers = new Map<number, number>()

async function sendAll(one: Fielded): Promise<void> {
  const key = createPrivateKey(readFileSync(file('app.p8')))
  let from = edge
  let session = http2.connect(from.url, { ca: from.ca })
  while (isLoaded) {
    const id = randomUUID()
    for (;;) {
      if (from !== edge || session.destroyed) {
        session.destroy()
        from = edge
        session = http2.connect(from.url, { ca: from.ca })
      }
      const authorization = `bearer ${makeToken({ keyId, teamId: TEAM, key }, Date.now(), {})}`
      const headers = { authorization, 'apns-id': id }
      const sent = await requestOn(session, { token: one.token, topic: TOPIC, headers }).catch(
        () => ({ status: 0 }),
      )
      if (sent.status === 200) break
      answers.set(sent.status, (answers.get(sent.status) ?? 0) + 1)
      await wait(50)
    }
    one.accepted.push(id)
    await wait(30)
  }
  session.destroy()
}

/** What was accepted, did not come, and was not replaced: in its slot by a stored one that came after it. */
function missing({ accepted, shown, overtaken }: Fielded): string[] {
  const places = new Map(accepted.map((id, at) => [id, at]))
  const stored = [...shown.filter((one) => one.stored).map(({ id }) => id), ...overtaken]
  const newest = Math.max(-1, ...stored.map((id) => places.get(id) ?? -1))
  const came = new Set([...shown.map(({ id }) => id), ...overtaken])
  return accepted.filter((id, at) => !came.has(id) && at > newest)
}

function twice({ shown }: Fielded): string[] {
  const ids = shown.map(({ id }) => id)
  return ids.filter((id, at) => ids.indexOf(id) !== at)
}

const progress = () => json<MoveProgress>('move', 'status')

const exportTo = (name: string, ...flags: string[]) =>
  json<object>('export', '--to', file(name), '--passphrase-file', file('passphrase'), ...flags)

const importFrom = (name: string) =>
  heliographJson<object>(
    ...([target, 'import', '--from', file(name)] as const),
    ...['--passphrase-file', file('passphrase'), '--yes'],
  )

beforeAll(async () => {
  target = await startTarget({ assembly: assemblyThatTakesKeys() })
  welcomeOperator(target)
  machine = await startMachine({
    ...{ folder: file('state'), key: new Uint8Array(32).fill(5), keySource: 'file' },
    log: { info() {}, warn() {}, error() {} },
    settings: {
      ...defaultSettings,
      stage: target.stage,
      tokenRatePerSecond: 0,
      ...{ providerPort: 0, activationPort: 0, devicePort: 0, metricsPort: 0, channelPort: 0 },
    },
  })
  writeFileSync(file('passphrase'), 'correct horse battery staple')
  edge = { url: `https://localhost:${machine.ports.provider}`, ca: machine.serverAuthority }
  ;({ keyId } = await json<{ keyId: string }>(
    ...['provider', 'key', 'create', TOPIC, '--team', TEAM, '--out', file('app.p8')],
  ))
})

afterAll(async () => {
  await machine?.close()
  await target?.close()
  rmSync(folder, { recursive: true, force: true })
})

it('a fleet moves to a stage while its providers send', { timeout: 600_000 }, async () => {
  const codes = await json<{ code: string }[]>('device', 'invite', '--count', String(DEVICES))
  const fleet = await Promise.all(codes.map(({ code }, at) => field(code, at)))
  const asleep = fleet.slice(0, ASLEEP)
  const senders = fleet.map(sendAll)
  await until(() => fleet.every(({ shown }) => shown.length > 3))

  // the rehearsal: the stage has all that the machine has by now
  await exportTo('rehearsal')
  await importFrom('rehearsal')
  await Promise.all(asleep.map(({ device }) => device.close()))
  await until(() => asleep.every(({ accepted, shown }) => accepted.length > shown.length + 2))

  await exportTo('final', '--final')
  const heard = fleet.map(({ shown }) => shown.length)
  await until(() => (answers.get(503) ?? 0) > DEVICES)
  await importFrom('final')
  // the machine has accepted nothing and sent nothing since
  expect(fleet.map(({ shown }) => shown.length)).toEqual(heard)
  const { url, ca } = target.local.providerToken ?? { url: '', ca: '' }
  edge = { url, ca: readFileSync(ca, 'utf8') }

  const stage = new URL(target.local.mqtt.url)
  const place = ['--to', `localhost:${stage.port}`, '--ca', target.local.mqtt.ca]
  await json('move', 'announce', ...place, '--per-second', '4', '--yes')
  await until(async () => (await progress()).followed === DEVICES - ASLEEP)
  for (const one of asleep) one.device = await openFielded(one)
  await until(async () => (await progress()).followed === DEVICES)

  await until(() => fleet.every(({ shown, accepted }) => shown.length > 6 && accepted.length > 9))
  isLoaded = false
  await Promise.all(senders)
  await until(() => fleet.every((one) => missing(one).length === 0)).catch(() => {})
  expect(fleet.map(missing)).toEqual(fleet.map(() => []))
  expect(fleet.map(twice)).toEqual(fleet.map(() => []))
  // every refusal was one that is repeated: the service has moved, or the stage starts functions; 0: no answer
  expect([...answers.keys()].filter((status) => ![0, 429, 503].includes(status))).toEqual([])
  for (const { device, directory } of fleet) {
    await device.close()
    const { activated, move } = JSON.parse(readFileSync(join(directory, 'identity.json'), 'utf8'))
    expect([activated.mqtt.port, move]).toEqual([Number(stage.port), undefined])
  }
  const accepted = fleet.reduce((sum, one) => sum + one.accepted.length, 0)
  const shown = fleet.reduce((sum, one) => sum + one.shown.length, 0)
  console.log(
    `${accepted} accepted, ${shown} shown, the others coalesced; 503 ${answers.get(503)} times`,
  )
})
