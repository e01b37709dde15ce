import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ScriptedCase, Skip } from '../case.ts'
import type { Driver } from '../driver.ts'
import { validFor } from '../service/authority.ts'
import { settle, until } from '../until.ts'
import { CHANNEL, type Note, note, type OpenOptions, TOPIC, type World } from '../world.ts'
import { needPrlimit } from './needs.ts'

const YEAR_MS = 365 * 24 * 3600 * 1000

/** Connected, by a clock that is wrong. */
async function connectedAt(
  world: World,
  clockOffsetMs: number,
  options: OpenOptions = {},
): Promise<Driver> {
  const driver = await world.connected({ clockOffsetMs, ...options })
  if (world.runs.lacks.includes('clock')) throw new Skip('the driver cannot move its clock')
  return driver
}

/** A run that has connected and is over: the serial number of its certificate. */
async function connectedOnce(world: World): Promise<string> {
  const driver = await world.connected()
  // the device may say so before its first request has been sent, and a kill takes that with it
  const { serial } = await world.session()
  await driver.kill()
  return serial
}

/** Taken with one clock; the repeat comes with another. */
async function repeatAfter(world: World, before: number, after: number): Promise<void> {
  const directory = world.runs.directory(`clock ${before} ${after}`)
  const sent = note()
  const first = await connectedAt(world, before, { directory })
  await first.do({ do: 'register', topic: TOPIC })
  await world.deliver(sent.text)
  assert.equal(first.timesHanded(sent.id), 1)
  await first.kill()
  const second = await connectedAt(world, after, { directory })
  await world.deliver(sent.text)
  await world.deliver(sent.as({ stored: true }).text)
  assert.equal(second.timesHanded(sent.id), 0, 'the repeat was handed over')
  await second.kill()
}

const filesOf = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())

/** A device that has an identity, a token, a channel and a notification behind it. */
async function lived(world: World): Promise<{ readonly files: string[]; readonly sent: Note }> {
  const driver = await world.registered()
  if (!world.runs.lacks.includes('channels')) await driver.do({ do: 'join', channel: CHANNEL })
  const sent = note()
  await world.deliver(sent.text)
  await driver.kill()
  return { files: filesOf(world.runs.directory()), sent }
}

const damages: readonly ((whole: Buffer) => Buffer)[] = [
  (whole) => whole.subarray(0, Math.floor(whole.length / 2)),
  (whole) => Buffer.alloc(whole.length, 0xa5),
  () => Buffer.alloc(0),
]

/** Opens with one file damaged: it says so and leaves it alone, or it is who it was. */
async function openDamaged(world: World, path: string, damaged: Buffer): Promise<void> {
  writeFileSync(path, damaged)
  const driver = await world.runs.start()
  const directory = world.runs.directory()
  const answer = await driver.ask({ do: 'open', directory })
  if ('error' in answer) {
    assert.equal(answer.error.reason, 'StateDamaged', answer.error.message)
    assert.ok(readFileSync(path).equals(damaged), `${path} was changed`)
  } else assert.equal(answer.ok.deviceId, world.service.deviceId(), path)
  await driver.kill()
}

export const clockAndStateCases: Readonly<Record<string, ScriptedCase>> = {
  async T1(world) {
    world.service.validity = validFor(10, 300)
    const serial = await connectedOnce(world)
    const driver = await connectedAt(world, YEAR_MS)
    await driver.event('error', ({ reason }) => reason === 'CertificateExpired')
    assert.equal((await world.session(2)).serial, serial)
    assert.equal(world.service.endpoint.asked.length, 1)
  },

  async T2(world) {
    const serial = await connectedOnce(world)
    await connectedAt(world, -YEAR_MS)
    assert.equal((await world.session(2)).serial, serial)
    assert.equal(world.service.endpoint.asked.length, 1)
  },

  async T3(world) {
    await repeatAfter(world, 0, YEAR_MS)
    await repeatAfter(world, 0, -YEAR_MS)
  },

  async S1(world) {
    if (process.platform === 'win32') throw new Skip('files have no modes here')
    for (const path of (await lived(world)).files) {
      const mode = statSync(path).mode & 0o777
      assert.equal(mode & 0o077, 0, `${path} has mode ${mode.toString(8)}`)
    }
  },

  async S2(world) {
    const { files } = await lived(world)
    assert.ok(files.length > 0)
    for (const path of files) {
      const whole = readFileSync(path)
      for (const damage of damages) await openDamaged(world, path, damage(whole))
      writeFileSync(path, whole)
    }
  },

  async S3(world) {
    needPrlimit()
    const driver = await world.registered()
    await world.deliver(note().text)
    driver.limitFiles(true)
    const sent = note()
    const messageId = world.now.push(sent.text)
    await driver.event('error', ({ reason }) => reason === 'StateUnusable')
    await settle()
    assert.ok(!world.now.hasAcknowledged(messageId), 'acknowledged and not remembered')
    driver.limitFiles(false)
    await world.deliver(sent.text)
    assert.equal(driver.timesHanded(sent.id), 2)
    await driver.kill()
    const next = await world.connected()
    await world.deliver(sent.text)
    assert.equal(next.timesHanded(sent.id), 0)
  },

  async S4(world) {
    needPrlimit()
    const { endpoint, broker } = world.service
    world.service.validity = validFor(300, 60)
    const driver = await world.open()
    driver.limitFiles(true)
    assert.equal((await driver.refusal({ do: 'activate' })).reason, 'StateUnusable')
    assert.deepEqual([...endpoint.asked, ...endpoint.malformed], [])
    driver.limitFiles(false)
    await driver.do({ do: 'activate' })
    driver.limitFiles(true)
    await driver.do({ do: 'connect' })
    const session = await world.session()
    await settle()
    assert.deepEqual(session.requests('renew'), [])
    driver.limitFiles(false)
    assert.equal(await until(() => broker.session, 'a connection'), session)
  },
}
