import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure } from './failure.ts'

/** A file that another can read is no place for a key. */
const PRIVATE = 0o600

/** Refuses before anything is made, so that nothing has to be thrown away. */
export function refuseExisting(paths: readonly string[]): void {
  const [first] = paths.filter((path) => existsSync(path))
  if (first)
    throw new Failure('refused', `${first} is there already: choose another --out, or add --force`)
}

/**
 * Writes a file that only its owner can read. The new content takes the place of the old in one
 * step, so that neither a half-written file nor an old file's mode is left.
 */
export async function writePrivate(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const draft = `${path}.${process.pid}.tmp`
    await writeFile(draft, content, { mode: PRIVATE, flag: 'wx' })
    await rename(draft, path)
  } catch (fault) {
    throw new Failure('failed', `${path} cannot be written: ${reasonOf(fault)}`, { cause: fault })
  }
}

/** The text of a file that the user named. */
export async function readText(path: string, what: string): Promise<string> {
  return (await readBytes(path, what)).toString('utf8')
}

export async function readBytes(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (fault) {
    throw new Failure('usage', `${what} ${path} cannot be read: ${reasonOf(fault)}`, {
      cause: fault,
    })
  }
}

/** A secret stands alone in its file; editors add a line end. */
export async function readSecret(path: string, what: string): Promise<string> {
  return (await readText(path, what)).replace(/\r?\n$/, '')
}

function reasonOf(fault: unknown): string {
  const { code } = fault as { readonly code?: unknown }
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EISDIR') return 'it is a directory'
  return fault instanceof Error ? fault.message : String(fault)
}
