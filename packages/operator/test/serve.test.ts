import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const command = fileURLToPath(new URL('../../../bin/heliograph.mjs', import.meta.url))
const state = mkdtempSync(join(tmpdir(), 'heliograph-serve-'))
afterAll(() => rmSync(state, { recursive: true, force: true }))

test('a start that fails after the servers are open ends, and leaves nothing open', async () => {
  // what --dev makes has no place
  writeFileSync(join(state, 'demo'), '')
  const args = [command, 'serve', '--dev', '--state', state, '--port-base', '18460']
  const { code, said } = await new Promise<{ code: unknown; said: string }>((resolve) => {
    execFile(process.execPath, args, { timeout: 120_000 }, (error, stdout) =>
      resolve({ code: error?.code, said: stdout }),
    )
  })
  expect(code).toBe(1)
  expect(said).toContain('the service cannot go on')
  expect(said).toContain('"stopped"')
})
