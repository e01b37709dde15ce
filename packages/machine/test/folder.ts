import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openStore, type Store, type StoreOptions } from '../src/store/store.ts'

export const key = new Uint8Array(randomBytes(32))

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'machine-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An open store that is closed with the test. */
export async function openForTest(options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore({ folder: temporaryFolder(), key, ...options })
  onTestFinished(() => store.close())
  return store
}
