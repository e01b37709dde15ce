import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makePrivateKey, makeRequest } from '../src/certificate.ts'
import { deviceId, publishTopics } from './helpers/activation-endpoint.ts'
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

const LIMIT_MS = 60_000
const file = (name: string) => join(world.directory, name)

/** Runs an example and gathers what it prints; `stop` ends it as Ctrl-C does. */
function run(example: string, ...parameters: string[]) {
  const program = spawn(
    process.execPath,
    ['--conditions=heliograph', '--import', 'tsx', `examples/device/${example}`, ...parameters],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let printed = ''
  const gather = (chunk: Buffer) => {
    printed += chunk
  }
  program.stdout.on('data', gather)
  program.stderr.on('data', gather)
  const ended = new Promise<number | null>((resolve) => program.on('close', resolve))
  const prints = (text: string) =>
    until(() => printed.includes(text), `"${text}" printed`, LIMIT_MS).catch((error) => {
      program.kill('SIGKILL')
      throw new Error(`${error.message}; it printed: ${printed}`)
    })
  const stop = () => {
    program.kill('SIGINT')
    return ended
  }
  return { prints, stop }
}

it('listen.ts activates, registers, prints a notification and ends cleanly', async () => {
  await writeFile(file('ca.pem'), world.ca.certificate)
  const activation = { url: world.activation.url, code: 'code-1', ca: file('ca.pem') }
  await writeFile(file('local.json'), JSON.stringify({ activation }))
  const example = run('listen.ts', 'com.example.app', file('state'), file('local.json'))
  await example.prints(`registered: ${tokenFor('com.example.app')}`)
  push(world, notificationMessage({ stored: true }, '{"aps":{"alert":"hello"}}'))
  await example.prints('(waited for us): {"aps":{"alert":"hello"}}')
  expect(await example.stop()).toBe(0)
})

it('plain.ts does the same with nothing but mqtt.js', async () => {
  const key = makePrivateKey()
  const certificate = await world.ca.sign(await makeRequest(key), deviceId)
  const mqtt = { host: 'localhost', port: world.broker.port, ca: world.ca.certificate }
  await writeFile(file('device.key'), key)
  const answer = { deviceId, certificate, mqtt, publish: publishTopics }
  await writeFile(file('activation.json'), JSON.stringify(answer))
  const example = run('plain.ts', file('device.key'), file('activation.json'))
  await example.prints(tokenFor('com.example.app'))
  push(world, notificationMessage({}, '{"aps":{"alert":"hello"}}'))
  await example.prints('"payload":{"aps":{"alert":"hello"}}')
  await until(() => world.broker.acknowledged().length === 3, 'the acknowledgements')
  expect(await example.stop()).toBe(0)
})
