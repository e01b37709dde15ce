import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Emulator } from '../../tools/emulators/emulator.ts'
import { findEmulator } from '../../tools/emulators/find-emulator.ts'
import { healthOf } from '../../tools/emulators/health.ts'
import { launch } from '../../tools/emulators/launch.ts'
import { run } from '../../tools/emulators/process.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** An emulator of this length: reports health and ends when it is asked for `/die`. */
const program = `
  const [port, health] = process.argv.slice(1)
  require('node:http').createServer((request, response) => {
    if (request.url !== '/die') return response.end(health)
    console.log('out of memory')
    console.error('giving up')
    process.exit(3)
  }).listen(Number(port), '127.0.0.1')
  console.log('listening')`

const healthy = JSON.stringify({ services: { sqs: 'available' }, version: '1' })

async function start(health = healthy, withinMs = 5_000): Promise<Emulator> {
  const port = await freePort()
  const emulator = await launch({
    name: 'a fake',
    url: `http://127.0.0.1:${port}`,
    withinMs,
    failure: 'the fake does not start',
    command: { file: process.execPath, args: ['-e', program, String(port), health] },
  })
  closing.push(() => emulator.stop())
  return emulator
}

describe('an emulator that was started here', () => {
  test('tells how it died, and what it said last', async () => {
    const emulator = await start()
    fetch(`${emulator.url}/die`).catch(() => {})
    expect(await emulator.death).toBe('it ended with exit code 3')
    expect([...emulator.lastLines()].sort()).toEqual(['giving up', 'listening', 'out of memory'])
  })

  test('does not count as dead when it is stopped, and is gone then', async () => {
    const emulator = await start()
    let died = false
    void emulator.death.then(() => {
      died = true
    })
    await emulator.stop()
    expect(await healthOf(emulator.url)).toBe('nobody')
    expect(died).toBe(false)
  })

  test('that never answers is a sentence with its last lines', async () => {
    await expect(start('not healthy', 500)).rejects.toThrow('the fake does not start\nlistening')
  })
})

describe('an emulator that is there already', () => {
  const options = (port: number) => ({ port, folder: '/nowhere', log: () => {} })

  test('is used, and left as it is', async () => {
    const running = await start()
    const found = await findEmulator(options(Number(new URL(running.url).port)), {})
    expect(found).toMatchObject({ url: running.url, fresh: false })
    await found.stop()
    expect(await healthOf(running.url)).toMatchObject({ version: '1' })
  })

  test('dies when it no longer answers', async () => {
    const running = await start()
    const found = await findEmulator(options(Number(new URL(running.url).port)), {})
    await running.stop()
    expect(await found.death).toBe('it no longer answers')
  })

  test('that is none is told', async () => {
    const stranger = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1')
    closing.push(() => stranger.close())
    await new Promise((resolve) => stranger.once('listening', resolve))
    const { port } = stranger.address() as AddressInfo
    await expect(findEmulator(options(port), {})).rejects.toThrow(
      `port ${port} is held by a program that is not an emulator of AWS`,
    )
  })
})

describe('a step that runs a program', () => {
  const node = (script: string) => ({ file: process.execPath, args: ['-e', script] })

  test('fails with what the program said last', async () => {
    const failing = run('deploy', node("console.error('no such stack'); process.exit(1)"))
    await expect(failing).rejects.toThrow(/^cannot deploy: .*exit code 1\)\nno such stack$/)
  })

  test('ends when the run ends', async () => {
    const ending = new AbortController()
    const running = run('wait', node('setInterval(() => {}, 1000)'), ending.signal)
    setTimeout(() => ending.abort(), 100)
    await expect(running).rejects.toThrow('ended by SIGTERM')
  })

  test('that is not there is a sentence', async () => {
    await expect(run('do it', { file: 'no-such-program', args: [] })).rejects.toThrow(
      /cannot do it: no-such-program failed \(spawn no-such-program ENOENT\)/,
    )
  })
})
