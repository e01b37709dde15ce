import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerOffline } from '../../bench/registered.ts'
import { TestTerminal } from '../../packages/operator/test/support.ts'
import {
  giveUp,
  heliograph,
  heliographJson,
  openStage,
  welcomeOperator,
} from './operator-support.ts'
import { alertOf, readyDevice, settle, startTarget, type TestDevice, until } from './support.ts'
import type { Target } from './target.ts'
import { tokenFile } from './token-provider.ts'

/** `heliograph send --tokens-file`. */

let target: Target
let topic: Topic
/** Of devices that never connect. */
let offline: DeviceToken[]

beforeAll(async () => {
  target = await startTarget()
  welcomeOperator(target)
  topic = target.local.provider.topic as Topic
  const deployment = await openStage(target)
  offline = await registerOffline(deployment, topic, 1_200)
  deployment.close()
})

afterAll(() => target?.close())

let files = 0
/** A file that is given the tokens in any order. */
function fileOf(tokens: readonly string[]): string {
  files += 1
  const path = join(target.state, `tokens-${files}.txt`)
  writeFileSync(path, tokens.join('\n'))
  return path
}

const crowd = (count: number) =>
  Promise.all(Array.from({ length: count }, () => readyDevice(target)))
const leave = (devices: readonly TestDevice[]) =>
  Promise.all(devices.map(({ device }) => device.close()))

/** The devices spread over the tokens of others. */
function among(
  others: readonly string[],
  devices: readonly { readonly token: string }[],
): string[] {
  const step = Math.floor(others.length / devices.length)
  return devices.flatMap(({ token }, n) => [...others.slice(n * step, (n + 1) * step), token])
}

const alertsOf = ({ received }: TestDevice) => received.map((one) => String(alertOf(one)))

interface Sent {
  readonly accepted: number
  readonly dead: Readonly<Record<string, number>>
  readonly bad: Readonly<Record<string, number>>
  readonly inDoubt: number
  readonly finished: boolean
}

describe('send --tokens-file', () => {
  it('reaches every device, and lists the dead tokens and the bad ones', async () => {
    const devices = await crowd(6)
    const [leaving] = devices
    if (leaving) await giveUp(target, leaving.device, topic)
    const bad = randomBytes(32).toString('hex')
    const tokens = [...among(offline, devices), bad, ...among([], devices)]
    const path = fileOf(['# a comment', '', ...tokens, devices[1]?.token ?? ''])
    const dead = `${path}.dead`
    const args = ['send', '--tokens-file', path, '--alert', 'to all', '--dead-tokens', dead]
    const terminal = new TestTerminal()
    const { code, out } = await heliograph(target, args, terminal)
    expect(out).toMatch(/^accepted +1205$/m)
    expect(out).toMatch(/^dead +1 \(Unregistered 1\)$/m)
    expect(out).toMatch(/^bad +1 \(BadDeviceToken 1\)$/m)
    expect(code).toBe(0)
    for (const device of devices.slice(1)) await until(() => device.received[0])
    await settle()
    expect(devices.slice(1).map(alertsOf)).toEqual(devices.slice(1).map(() => ['to all']))
    const lines = readFileSync(dead, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { reason: string })
      .sort((a, b) => a.reason.localeCompare(b.reason))
    expect(lines).toEqual([
      { token: bad, reason: 'BadDeviceToken', timestamp: expect.any(Number) },
      { token: leaving?.token, reason: 'Unregistered', timestamp: expect.any(Number) },
    ])
    const again = await heliograph(target, args)
    expect(again).toMatchObject({ code: 4, err: expect.stringContaining('this campaign is over') })
    const other = await heliograph(target, [...args.slice(0, 3), '--alert', 'another'])
    expect(other).toMatchObject({
      code: 4,
      err: expect.stringContaining('(different: the payload)'),
    })
    await leave(devices)
  })

  it('goes by provider tokens, too, and prints nothing but JSON for a script', async () => {
    const devices = await crowd(2)
    const { key, keyId, teamId } = tokenFile(target)
    const path = fileOf(devices.map(({ token }) => token))
    const by = ['--key', key, '--key-id', keyId, '--team-id', teamId, '--topic', topic]
    const sent = await heliographJson<Sent>(target, 'send', '--tokens-file', path, ...by)
    expect(sent).toMatchObject({ accepted: 2, finished: true })
    for (const { received } of devices) await until(() => received[0])
    await leave(devices)
  })

  it('ends as a refusal of the whole where the topic is not the credential’s', async () => {
    const path = fileOf(offline.slice(0, 10))
    const args = ['send', '--tokens-file', path, '--topic', 'com.example.other']
    const { code, err } = await heliograph(target, args)
    expect(code).toBe(4)
    expect(err).toContain('400 BadTopic')
    expect(err).toContain('0 of 10 are accepted')
  })
})

const entry = fileURLToPath(new URL('../../bin/heliograph.mjs', import.meta.url))

/** The command as a process of its own. */
function start(args: readonly string[]): ChildProcess & { readonly output: { text: string } } {
  const child = spawn(process.execPath, [entry, '--state', target.state, ...args])
  const output = { text: '' }
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => {
      output.text += bytes.toString()
    })
  return Object.assign(child, { output })
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve))
}

const linesOf = (path: string, word: string) =>
  existsSync(path) ? readFileSync(path, 'utf8').split(`"${word}":`).length - 1 : 0

/** Waits until so many requests are on record. */
async function untilDone(journal: string, count: number): Promise<void> {
  const deadline = Date.now() + 60_000
  while (linesOf(journal, 'done') < count && Date.now() < deadline) await wait(2)
}

describe('a campaign that was interrupted', { timeout: 600_000 }, () => {
  it('by kill -9, again and again, reaches every device, and none twice', async () => {
    const devices = await crowd(12)
    const path = fileOf(among(offline, devices))
    const args = [
      'send',
      '--tokens-file',
      path,
      '--alert',
      'killed',
      '--per-request',
      '100',
      '--json',
    ]
    for (const requests of [2, 5, 8]) {
      const child = start(args)
      await untilDone(`${path}.progress`, requests)
      child.kill('SIGKILL')
      await ended(child)
    }
    expect(linesOf(`${path}.progress`, 'done')).toBeLessThan(13)
    const last = start(args)
    expect(await ended(last), last.output.text).toBe(0)
    expect(JSON.parse(last.output.text)).toMatchObject({
      accepted: 1_212,
      inDoubt: 0,
      finished: true,
    })
    for (const device of devices) await until(() => device.received[0], 60_000)
    await settle(5_000)
    expect(devices.map(alertsOf)).toEqual(devices.map(() => ['killed']))
    await leave(devices)
  })

  it('by Ctrl-C ends after the requests under way, says how to go on, and goes on', async () => {
    const path = fileOf(offline)
    const args = [
      'send',
      '--tokens-file',
      path,
      '--alert',
      'interrupted',
      '--in-flight',
      '1',
      '--per-request',
      '50',
    ]
    const child = start(args)
    await untilDone(`${path}.progress`, 2)
    child.kill('SIGINT')
    expect(await ended(child)).toBe(130)
    expect(child.output.text).toContain('run the same command again')
    expect(linesOf(`${path}.progress`, 'done')).toBe(linesOf(`${path}.progress`, 'begun'))
    const { code, out } = await heliograph(target, args)
    expect(code).toBe(0)
    expect(out).toMatch(/^accepted +1200$/m)
  })
})
