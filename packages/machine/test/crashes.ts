import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { openStore } from '../src/store/store.ts'
import { key } from './folder.ts'
import { slotAt } from './slots.ts'

const program = fileURLToPath(new URL('child/write.ts', import.meta.url))

export interface Writer {
  readonly process: ChildProcess
  readonly lines: Interface
  /** The numbers that the store has said to have taken. */
  readonly taken: number[]
}

/** A process that writes from a number on; `limit` bounds what a file of it may have, in kB. */
export function startWriter(folder: string, first: number, limit?: number): Writer {
  const node = `exec "$0" --import tsx --conditions=heliograph "$@"`
  const script = limit === undefined ? node : `ulimit -S -f ${limit}; ${node}`
  const child = spawn('bash', ['-c', script, process.execPath, program, folder, String(first)], {
    env: { ...process.env, KEY: Buffer.from(key).toString('hex') },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: child.stdout })
  const taken: number[] = []
  lines.on('line', (line) => {
    if (/^\d+$/.test(line)) taken.push(Number(line))
  })
  return { process: child, lines, taken }
}

/**
 * Kills a writer again and again, each time after another while, and finds everything that the store had taken;
 * the index of expiries knows each slot, once, and no other.
 */
export async function killAndLook(folder: string, kills: number): Promise<number> {
  const taken: number[] = []
  for (let kill = 0; kill < kills; kill += 1) {
    const writer = startWriter(folder, kill * 1_000_000)
    await once(writer.lines, 'line')
    await new Promise((resolve) => setTimeout(resolve, (kill * 37) % 150))
    writer.process.kill('SIGKILL')
    await once(writer.process, 'close')
    taken.push(...writer.taken)
    await demandAll(folder, taken)
  }
  return taken.length
}

/** Everything taken is there, whole, and the index is in step with it. */
export async function demandAll(folder: string, taken: readonly number[]): Promise<void> {
  const store = await openStore({ folder, key })
  try {
    for (const number of taken) {
      const slot = slotAt(number)
      expect(await store.pending.find(slot.deviceId, slot.topic), String(number)).toEqual(slot)
    }
    const { environment } = store
    const slots = environment.table('pending').getKeysCount()
    expect(slots).toBeGreaterThanOrEqual(taken.length)
    expect(environment.table('pending by expiry').getKeysCount()).toBe(slots)
    expect(store.pending.expired(9e15, 1e9)).toHaveLength(slots)
  } finally {
    await store.close()
  }
}
