import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alertsOf, among, type Campaigning, leave, openCampaigning } from './campaign-support.ts'
import { heliograph } from './operator-support.ts'
import { settle, until } from './support.ts'

/** `heliograph send --tokens-file`, killed and interrupted. */

let world: Campaigning
beforeAll(async () => {
  world = await openCampaigning()
})
afterAll(() => world?.target.close())

const entry = fileURLToPath(new URL('../../bin/heliograph.mjs', import.meta.url))

/** The command as a process of its own. */
function start(args: readonly string[]): ChildProcess & { readonly output: { text: string } } {
  const child = spawn(process.execPath, [entry, '--state', world.target.state, ...args])
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
    const { crowd, fileOf, offline } = world
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
    const { fileOf, offline, target } = world
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
