import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makePrivateKey } from '../src/certificate.ts'
import { writeAtomically } from '../src/files.ts'
import { type DeviceOptions, openDevice } from '../src/index.ts'
import { until } from './helpers/wait.ts'
import {
  answerRequests,
  makeWorld,
  notificationMessage,
  push,
  tokenFor,
  type World,
} from './helpers/world.ts'

let world: World
beforeEach(async () => {
  world = await makeWorld()
  answerRequests(world)
})
afterEach(() => world.end())

const path = (name: string) => join(world.directory, name)

async function used() {
  const device = await world.open()
  let taken = 0
  device.onNotification(() => void taken++)
  await device.connect()
  await device.register('com.example.app')
  await device.join('A'.repeat(24))
  push(world, notificationMessage())
  await until(() => taken === 1, 'the notification')
  await device.close()
}

describe('the state directory', () => {
  it('holds four files, all for the owner alone, and nothing half-written', async () => {
    await used()
    const files = (await readdir(world.directory)).sort()
    expect(files).toEqual(['channels.json', 'identity.json', 'registrations.json', 'taken.jsonl'])
    for (const file of files) expect((await stat(path(file))).mode & 0o777).toBe(0o600)
  })

  it('keeps tokens across a restart', async () => {
    await used()
    const device = await world.open()
    expect([...device.tokens()]).toEqual([['com.example.app', tokenFor('com.example.app')]])
  })

  it.each([
    [
      'identity.json',
      '{"version":1,"activated":{',
      /activate the device again with a new activation code/,
    ],
    ['identity.json', '{"version":9}', /activate the device again/],
    ['identity.json', '', /activate the device again/],
    [
      'registrations.json',
      '{"version":1,"topics":{"a":{"state":"odd"}}}',
      /register every topic again/,
    ],
    ['registrations.json', '\0\0\0\0', /register every topic again/],
  ])('with a damaged %s (%j) says in one sentence what to do', async (file, text, remedy) => {
    await writeFile(path(file), text)
    const error = await openDevice({ directory: world.directory }).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ reason: 'StateDamaged', message: expect.stringMatching(remedy) })
    expect((error as Error).message).toContain(path(file))
    expect((error as Error).message).not.toContain('\n')
  })

  it('with a certificate that does not fit its key is damaged', async () => {
    await used()
    const identity = JSON.parse(await readFile(path('identity.json'), 'utf8'))
    identity.activated.privateKey = makePrivateKey()
    await writeFile(path('identity.json'), JSON.stringify(identity))
    await expect(openDevice({ directory: world.directory })).rejects.toMatchObject({
      reason: 'StateDamaged',
    })
  })

  it('with damaged lines in the journal goes on with the others', async () => {
    const message = notificationMessage()
    const { id, topic, acceptedAt } = JSON.parse(message)
    const line = JSON.stringify({ id, topic, acceptedAt, at: Date.now() })
    await writeFile(path('taken.jsonl'), `garbage\n${line}\n{"id":"x"}\n\0\0\0{"id":"torn`)
    const device = await world.open()
    let calls = 0
    device.onNotification(() => void calls++)
    await device.connect()
    const before = world.broker.acknowledged().length
    push(world, message)
    await until(() => world.broker.acknowledged().length > before, 'the acknowledgement')
    expect(calls).toBe(0)
  })

  it('that is a file, or not to be written to, is one clear sentence', async () => {
    await writeFile(path('file'), '')
    const open = (options: DeviceOptions) => openDevice(options)
    await expect(open({ directory: path('file') })).rejects.toMatchObject({
      reason: 'StateUnusable',
    })
    await mkdir(path('identity.json'))
    await expect(open({ directory: world.directory })).rejects.toMatchObject({
      reason: 'StateUnusable',
      message: expect.stringContaining(path('identity.json')),
    })
  })
})

describe('writeAtomically', () => {
  it('does not follow a link that lies in its way, nor keep its mode', async () => {
    await writeFile(path('victim'), 'precious')
    await symlink(path('victim'), path('state.json.tmp'))
    await writeAtomically(path('state.json'), 'new')
    expect(await readFile(path('victim'), 'utf8')).toBe('precious')
    expect(await readFile(path('state.json'), 'utf8')).toBe('new')
  })

  it('leaves the old text when the new one cannot be written', async () => {
    await writeAtomically(path('state.json'), 'old')
    await mkdir(join(path('state.json.tmp'), 'in-the-way'), { recursive: true })
    await expect(writeAtomically(path('state.json'), 'new')).rejects.toMatchObject({
      reason: 'StateUnusable',
    })
    expect(await readFile(path('state.json'), 'utf8')).toBe('old')
    await chmod(path('state.json'), 0o600)
  })
})
