import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, makeFixture } from './cloud-support.ts'

const script = fileURLToPath(new URL('../src/command.ts', import.meta.url))
const running: ChildProcess[] = []
let fixture: Fixture

beforeAll(async () => {
  fixture = await makeFixture()
})

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await fixture.end()
})

function run(...args: string[]) {
  const loader = ['--import', 'tsx', '--conditions=heliograph']
  const child = spawn(process.execPath, [...loader, script, ...args])
  running.push(child)
  let [output, complaint] = ['', '']
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    complaint += text.toString()
  })
  const ended = new Promise<{ code: number | null; output: string; complaint: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, output, complaint })),
  )
  return { child, ended }
}

test('serves an assembly until it is told to end, and says where', async () => {
  const state = fixture.stateFolder()
  const { child, ended } = run('--assembly', fixture.assembly, '--state', state)
  const file = join(state, 'cloud.json')
  while (!existsSync(file) && child.exitCode === null) await wait(50)
  const { endpoint, environment, outputs, apis } = JSON.parse(readFileSync(file, 'utf8'))
  expect(environment.AWS_ENDPOINT_URL).toBe(endpoint)
  expect(outputs['fixture-edges']).toHaveProperty('TableName')
  expect(apis).toHaveLength(1)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 0, complaint: '' })
  expect(existsSync(file)).toBe(false)
})

test('says in one sentence that there is no assembly', async () => {
  const { ended } = run('--assembly', fixture.stateFolder(), '--state', fixture.stateFolder())
  const { code, complaint } = await ended
  expect(code).toBe(1)
  expect(complaint).toMatch(/^There is no CDK assembly in .*\n$/)
})

test.each([
  ['--api-port', '0'],
  ['--mqtt-port', 'x'],
  ['--assembl', 'y'],
])('does not know %s %s', async (...args) => {
  const { code, complaint } = await run(...args).ended
  expect(code).toBe(2)
  expect(complaint).toContain(args[0])
})
