import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readyCanary } from '../../bin/demo.ts'
import { TestTerminal } from '../../packages/operator/test/support.ts'
import { heliograph, welcomeOperator } from './operator-support.ts'
import { startTarget, until } from './support.ts'
import type { Target } from './target.ts'
import { patternOf, readTranscript, type Step, wordsOf } from './transcript.ts'

let target: Target
/** What `listen` has printed: `$DEVICE` and `$TOKEN`. */
const variables: Record<string, string> = {}
const inBackground: { readonly terminal: TestTerminal; readonly ended: Promise<unknown> }[] = []

beforeAll(async () => {
  target = await startTarget()
  welcomeOperator(target)
  // as npm start does
  await readyCanary(target.cloud)
})

afterAll(async () => {
  for (const { terminal, ended } of inBackground) {
    terminal.interrupt()
    await ended
  }
  await target?.close()
})

const steps = readTranscript(new URL('../../README.md', import.meta.url))

/** The transcript was made in a folder of its own. */
const folder = () => join(target.state, 'operator')

function argvOf({ command }: Step): string[] {
  const [program, ...words] = wordsOf(command, variables)
  expect(program).toBe('heliograph')
  return words.map((word) => (/^(certs\/|phone$)/.test(word) ? join(folder(), word) : word))
}

const printedBy = (terminal: TestTerminal) =>
  terminal.printed.join('\n').replaceAll(`${folder()}/`, '')

async function runOnce(step: Step): Promise<string> {
  const terminal = new TestTerminal()
  const ended = heliograph(target, argvOf(step), terminal)
  if (!step.background) {
    await ended
    return printedBy(terminal)
  }
  inBackground.push({ terminal, ended })
  const lines = step.output.split('\n').length
  await until(() => terminal.printed.length >= lines || undefined)
  const [, device, token] = /device (\S+),.* token (\S+)/.exec(terminal.printed[0] ?? '') ?? []
  Object.assign(variables, { DEVICE: device, TOKEN: token })
  return printedBy(terminal)
}

it.each(steps)('README.md: $command', async (step) => {
  const expected = patternOf(step.output)
  let printed = await runOnce(step)
  const deadline = Date.now() + 10_000
  while (step.later && !expected.test(printed) && Date.now() < deadline)
    printed = await runOnce(step)
  expect(printed).toMatch(expected)
})

it('README.md: the transcript has every kind of command', () => {
  const commands = new Set(steps.map(({ command }) => command.split(' ')[1]))
  expect([...commands].sort()).toEqual([
    'canary',
    'device',
    'dlq',
    'doctor',
    'feedback',
    'key',
    'listen',
    'provider',
    'send',
    'token',
  ])
})
