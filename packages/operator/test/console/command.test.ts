import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { ConsoleClient } from '../../../../test/e2e/console-client.ts'
import { run, scratchFolder, TestTerminal } from '../support.ts'

const scratch = scratchFolder()
afterAll(() => scratch.remove())

const machine = ['--target', 'machine', '--state', scratch.path]

/** Runs the command until `work` is through with what it serves. */
async function withConsole(
  argv: readonly string[],
  work: (url: string, terminal: TestTerminal) => Promise<void>,
) {
  const terminal = new TestTerminal()
  const ended = run([...machine, 'console', '--port', '0', ...argv], terminal)
  while (terminal.printed.length === 0) {
    const early = await Promise.race([ended, wait(20)])
    if (early) throw new Error(`it ended with ${early.code}: ${early.err}`)
  }
  await work(terminal.printed[0] ?? '', terminal)
  terminal.interrupt()
  return ended
}

const clientOf = (url: string) => new ConsoleClient({ url, port: Number(new URL(url).port) })

describe('heliograph console', () => {
  test('prints an address that leads to the page, and ends with Ctrl-C', async () => {
    const { code, err } = await withConsole([], async (url) => {
      expect(url).toMatch(/^http:\/\/heliograph-[0-9a-f]{16}\.localhost:\d+\/enter\?key=[\w-]{43}$/)
      const client = clientOf(url)
      expect(await client.enter()).toMatchObject({ status: 303, headers: { location: '/' } })
      const page = await client.get('/')
      expect(page.text).toMatch(/^<!doctype html>/i)
      const scripts = [...page.text.matchAll(/src="(\/[^"]+\.js)"/g)].map(([, path = '']) => path)
      expect(scripts.length).toBeGreaterThan(0)
      for (const path of scripts)
        expect((await client.get(path)).headers['content-type']).toContain('javascript')
      // nobody serves there, and the console says so
      expect(await client.get('/api/deployment')).toMatchObject({
        ...{ status: 502, value: { error: { kind: 'unreachable' } } },
      })
    })
    expect([code, err]).toEqual([0, expect.stringContaining('works once')])
  })

  test('offers the credential that it was started with', async () => {
    const key = join(scratch.path, 'AuthKey_ABC123DEFG.p8')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    await withConsole(['--json', '--key', key, '--team-id', 'ABCDE12345'], async (printed) => {
      const client = clientOf((JSON.parse(printed) as { url: string }).url)
      await client.enter()
      const { value, text } = await client.get('/api/credentials')
      expect(value).toMatchObject({
        credentials: [{ kind: 'key', from: 'command', label: 'AuthKey_ABC123DEFG.p8' }],
      })
      expect(text).not.toContain('PRIVATE')
    })
  })

  test('says at once that it needs a stage', async () => {
    const { code, err } = await run(['--target', 'aws', 'console', '--port', '0'])
    expect([code, err]).toEqual([2, expect.stringContaining('--stage')])
  })

  test('says so where its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    const { code, err } = await run([...machine, 'console', '--port', String(port)])
    other.close()
    expect([code, err]).toEqual([1, expect.stringContaining('another --port')])
  })
})
