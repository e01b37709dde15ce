import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { afterAll, describe, expect, it } from 'vitest'
import { makeProgram } from '../src/main.ts'
import { run, scratchFolder, TestTerminal } from './support.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())
const nowhere = join(folder.path, 'nothing-here')

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : []
}

const commands = leaves(makeProgram(new TestTerminal(), () => {}))
  .map(pathOf)
  .filter(([first]) => first !== 'help')

describe('help', () => {
  it('names every command of the operator', () => {
    expect(commands.map((path) => path.join(' ')).sort()).toEqual([
      'backup',
      'canary enroll',
      'canary run',
      'channel create',
      'channel delete',
      'channel list',
      'channel publish',
      'channel show',
      'console',
      'device expire',
      'device invite',
      'device list',
      'device revoke',
      'device show',
      'device simulate',
      'dlq drop',
      'dlq list',
      'dlq redrive',
      'doctor',
      'events listen',
      'export',
      'feedback',
      'import',
      'key list',
      'key retire',
      'key rotate',
      'listen',
      'move announce',
      'move cancel',
      'move status',
      'notification show',
      'provider crl',
      'provider issue',
      'provider key check',
      'provider key create',
      'provider key import',
      'provider key list',
      'provider key revoke',
      'provider list',
      'provider revoke',
      'restore',
      'send',
      'serve',
      'stage empty',
      'stats',
      'status',
      'token expire',
      'token inspect',
    ])
  })

  it.each(commands.map((path) => path.join(' ')))(
    'of %s has examples and exits 0',
    async (path) => {
      const { code, out, err } = await run([...path.split(' '), '--help'])
      expect(code).toBe(0)
      expect(err).toBe('')
      expect(out).toMatch(/\nExamples:\n {2}\S*.*heliograph/)
      expect(out).toContain('--json')
      expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(112)
    },
  )

  it('of the program tells the exit codes', async () => {
    const { code, out } = await run(['--help'])
    expect(code).toBe(0)
    expect(out).toContain('3 not found')
  })
})

describe('a wrong command line', () => {
  it.each([
    [['provider', 'issue', '--out', 'x'], "missing required argument 'topic'"],
    [['provider', 'issue', 'com.example.app'], "required option '--out <path>'"],
    [['provider', 'issue', 'com example', '--out', 'x'], 'is not a topic'],
    [['provider', 'issue', 'a', '--out', 'x', '--days', '0'], '--days takes a whole number'],
    [['provider', 'issue', 'a', '--out', 'x', '--days', '1e3'], '--days takes a whole number'],
    [['provider', 'key', 'create', 'a'], "required option '--team <id>'"],
    [['provider', 'key', 'create', 'a', '--team', 'short'], 'is not a team id'],
    [['provider', 'key', 'create', 'a b', '--team', 'ABCDE12345'], 'is not a topic'],
    [
      ['provider', 'key', 'create', 'a', '--team', 'ABCDE12345', '--key-id', 'abc123defg'],
      'is not a key id',
    ],
    [['provider', 'key', 'revoke', 'x'], 'is not a key id'],
    [['provider', 'revoke', 'x', '--reason', 'bored'], 'Allowed choices are unspecified'],
    [['provider', 'crl', '--days', 'soon'], '--days takes a whole number'],
    [['device', 'invite', '--ttl', 'tomorrow'], '--ttl takes a time'],
    [['device', 'invite', '--ttl', '0s'], '--ttl must be between'],
    [['device', 'invite', '--count', '1001'], '--count takes a whole number'],
    [['device', 'list', '--limit', '-1'], '--limit takes a whole number'],
    [
      ['dlq', 'list', 'letters'],
      'Allowed choices are notifications, events, outcomes, announcements, rules',
    ],
    [['send'], 'either --token HEX or --tokens-file FILE'],
    [['send', '--token', 'a', '--tokens-file', 'b'], 'either --token HEX or --tokens-file FILE'],
    [['send', '--tokens-file', 'a', '--topic', 't', '--payload', '[1]'], 'not a JSON object'],
    [
      ['send', '--tokens-file', 'a', '--topic', 't', '--payload', '{},"tokens":[]'],
      'not a JSON object',
    ],
    [['send', '--tokens-file', 'a', '--in-flight', '0'], '--in-flight takes a whole number'],
    [['send', '--tokens-file', '-'], 'add --resume FILE'],
    [
      ['send', '--token', 'a', '--alert', 'b', '--payload', '{}', '--cert', 'x', '--key', 'y'],
      '--alert or --payload',
    ],
    [['--target', 'moon', 'provider', 'list'], 'Allowed choices are embedded, aws'],
    [['--target', 'aws', 'provider', 'list'], '--target aws needs --stage'],
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['provider', 'list', '--color'], "unknown option '--color'"],
  ])('%j: exit code 2 and a sentence', async (argv, sentence) => {
    const { code, out, err } = await run(['--state', nowhere, ...argv])
    expect(err).toContain(sentence)
    expect(code).toBe(2)
    expect(out).toBe('')
  })
})

describe('without a deployment', () => {
  it.each([
    ['provider', 'list'],
    ['key', 'rotate'],
    ['doctor'],
    ['listen'],
    ['send', '--token', 'a'],
  ])('%s %s: exit code 5 and what to do', async (...argv) => {
    const { code, err } = await run(['--state', nowhere, ...argv])
    expect(code).toBe(5)
    expect(err).toContain('npm start')
    expect(err.split('\n')).toHaveLength(1)
  })

  it('that answers no more: exit code 5', async () => {
    const environment = {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'operator',
      AWS_SECRET_ACCESS_KEY: 'secret-of-the-operator',
    }
    const file = join(folder.path, 'operator.json')
    writeFileSync(file, JSON.stringify({ stage: 'local', environment }))
    const { code, err } = await run(['--state', folder.path, 'provider', 'list'])
    expect(code).toBe(5)
    expect(err).toContain('does not answer (ECONNREFUSED)')
    expect(err).not.toContain('secret-of-the-operator')
  })

  it('whose file is damaged: exit code 1', async () => {
    const state = scratchFolder()
    writeFileSync(join(state.path, 'operator.json'), '{"stage":')
    const { code, err } = await run(['--state', state.path, 'provider', 'list'])
    state.remove()
    expect(code).toBe(1)
    expect(err).toContain('operator.json is damaged')
  })
})

describe('files that the user names', () => {
  it.each([
    [
      ['send', '--token', 'a', '--cert', '/no/cert', '--key', '/no/key'],
      'certificate /no/cert cannot be read',
    ],
    [['send', '--token', 'a', '--p12', '/no/p12'], 'PKCS#12 file /no/p12 cannot be read'],
    [['send', '--token', 'a', '--payload', '/no/payload'], 'payload /no/payload cannot be read'],
    [
      ['provider', 'issue', 'a', '--out', 'x', '--passphrase-file', '/no/file'],
      'passphrase file /no/file cannot be read',
    ],
    [['feedback', '--cert', 'only-a-certificate'], 'say who is sending'],
    [['send', '--token', 'a', '--p12', 'a', '--cert', 'b'], 'either --p12'],
    [['send', '--token', 'a', '--team-id', 'ABCDE12345'], 'needs --key AuthKey_….p8 and --team-id'],
    [['send', '--token', 'a', '--key-id', 'ABCDE12345', '--key', 'b'], 'and --team-id'],
    [
      ['send', '--token', 'a', '--team-id', 'ABCDE12345', '--key', 'a.p8'],
      'the name of a.p8 does not contain its key id',
    ],
    [
      ['send', '--token', 'a', '--team-id', 'abc', '--key', 'AuthKey_ABC123DEFG.p8'],
      'is not a team id',
    ],
    [
      ['send', '--token', 'a', '--team-id', 'ABCDE12345', '--key', 'AuthKey_ABC123DEFG.p8'],
      'provider key AuthKey_ABC123DEFG.p8 cannot be read',
    ],
    [
      ['send', '--token', 'a', '--team-id', 'ABCDE12345', '--key', 'b', '--cert', 'c'],
      'replaces --cert',
    ],
  ])('%j: exit code 2', async (argv, sentence) => {
    const { code, err } = await run(argv)
    expect(err).toContain(sentence)
    expect(code).toBe(2)
  })

  it('ask for a passphrase only of a person', async () => {
    const p12 = join(folder.path, 'empty.p12')
    writeFileSync(p12, '')
    const argv = ['send', '--token', 'a', '--p12', p12, '--url', 'https://localhost:9']
    expect(await run(argv)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--passphrase-file'),
    })
    const person = new TestTerminal({ answers: ['secret'] })
    const { err } = await run(argv, person)
    expect(person.questions).toEqual([`Passphrase of ${p12}: `])
    expect(err).toContain('the client certificate cannot be used')
    expect(err).not.toContain('secret')
  })
})

describe('send to many', () => {
  const token = 'a'.repeat(64)
  const anywhere = ['--url', 'https://localhost:9', '--cert', own('cert'), '--key', own('key')]

  function own(name: string): string {
    const path = join(folder.path, name)
    writeFileSync(path, '')
    return path
  }

  it.each([
    [
      `${token}\nab\n\n${token}x\n`,
      '2 lines that are not device tokens of 64 hex digits (line 2, 4)',
    ],
    ['# nothing\n', 'has no device token'],
  ])('sends nothing where the file has %j', async (text, sentence) => {
    const path = join(folder.path, 'tokens')
    writeFileSync(path, text)
    const { code, err } = await run(['send', '--tokens-file', path, ...anywhere])
    expect(err).toContain(sentence)
    expect(code).toBe(2)
    expect(existsSync(`${path}.progress`)).toBe(false)
  })

  it('replaces no file with the dead tokens of a new campaign', async () => {
    const [path, dead] = [join(folder.path, 'tokens'), own('dead')]
    writeFileSync(path, token)
    const argv = ['send', '--tokens-file', path, '--dead-tokens', dead, ...anywhere]
    expect(await run(argv)).toMatchObject({
      code: 4,
      err: expect.stringContaining(`${dead} already exists`),
    })
  })
})

describe('the installed command', () => {
  it('runs from any folder', async () => {
    const entry = fileURLToPath(new URL('../../../bin/heliograph.mjs', import.meta.url))
    const child = spawn(process.execPath, [entry, 'provider', 'list', '--state', nowhere], {
      cwd: folder.path,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(err).toContain('npm start')
    expect(code).toBe(5)
  })

  it('ends when nobody reads on', async () => {
    const entry = fileURLToPath(new URL('../../../bin/heliograph.mjs', import.meta.url))
    const child = spawn(process.execPath, [entry, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, err }).toEqual({ code: 0, err: '' })
  })
})
