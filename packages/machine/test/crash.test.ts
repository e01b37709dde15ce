import { once } from 'node:events'
import { expect, test } from 'vitest'
import { demandAll, killAndLook, startWriter } from './crashes.ts'
import { temporaryFolder } from './folder.ts'
import { hasTool, runTool } from './tools.ts'

test('a kill at any moment loses nothing that was taken', async () => {
  expect(await killAndLook(temporaryFolder(), 3)).toBeGreaterThan(0)
})

test.runIf(hasTool('prlimit'))(
  'a full disk is said in words, corrupts nothing, and passes',
  async () => {
    const folder = temporaryFolder()
    const writer = startWriter(folder, 0, 600)
    const said: string[] = []
    for await (const line of writer.lines) {
      if (!/^\d+$/.test(line)) said.push(line)
      if (said.length === 2) break
    }
    expect(said[0]).toMatch(
      /^refused .*store\.mdb cannot be written \(.*\): its disk is full or broken, so free space on it/,
    )
    // what is there can still be read
    expect(said[1]).toBe('read true')
    expect(writer.taken.length).toBeGreaterThan(100)
    // room again: the same process goes on
    runTool('prlimit', '--pid', String(writer.process.pid), '--fsize=unlimited')
    writer.process.stdin?.write('on\n')
    const [code] = await once(writer.process, 'exit')
    expect(code).toBe(0)
    await demandAll(folder, writer.taken)
  },
)
