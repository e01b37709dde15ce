import { existsSync, statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure } from './failure.ts'

/** A file that another can read is no place for a key. */
const PRIVATE = 0o600

/** Refuses before anything is made, so that nothing has to be thrown away. */
export function refuseExisting(paths: readonly string[], remedy = OTHER_OUT): void {
  const [first] = paths.filter((path) => existsSync(path))
  if (first) throw existing(first, remedy)
}

const OTHER_OUT = 'choose another --out, or add --force'

function existing(path: string, remedy = OTHER_OUT): Failure {
  return new Failure('refused', `${path} already exists: ${remedy}`)
}

/** A private file that is written but not yet certain to be kept. */
export interface Draft {
  /** Where the file is to be. */
  readonly path: string
  /** Where its content is until then. */
  readonly draft: string
  keep(): Promise<void>
  discard(): Promise<void>
}

/**
 * Provisionally writes a file that only its owner can read. A new file is written in its place; a
 * replacement is written next to the existing file, whose content stays until the new one is
 * confirmed.
 */
export async function draftPrivate(
  path: string,
  content: string | Uint8Array | AsyncIterable<string>,
  replace: boolean,
): Promise<Draft> {
  const draft = replace ? `${path}.${process.pid}.tmp` : path
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(draft, content, { mode: PRIVATE, flag: 'wx', flush: true })
  } catch (fault) {
    if ((fault as { readonly code?: unknown }).code === 'EEXIST' && !replace) throw existing(path)
    throw new Failure('failed', `${path} cannot be written: ${reasonOf(fault)}`, { cause: fault })
  }
  return {
    ...{ path, draft },
    keep: () => (replace ? putInPlace(draft, path) : Promise.resolve()),
    discard: () => rm(draft, { force: true }),
  }
}

async function putInPlace(draft: string, path: string): Promise<void> {
  try {
    await rename(draft, path)
  } catch (fault) {
    const text = `${path} cannot be written: ${reasonOf(fault)}. Its content is in ${draft}`
    throw new Failure('failed', text, { cause: fault })
  }
}

/**
 * Writes a file that only its owner can read. The new content replaces the old in one step, so that
 * neither a half-written file nor the old file's mode remains.
 */
export async function writePrivate(path: string, content: string | Uint8Array): Promise<void> {
  const draft = await draftPrivate(path, content, true)
  await draft.keep()
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

/** Whether others than its owner can read a file; unknown on Windows, and of one that is not there. */
export function isForOthers(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return process.platform !== 'win32' && (mode & 0o077) !== 0
}

/** A secret is alone in its file; editors add a line ending. */
export async function readSecret(path: string, what: string): Promise<string> {
  return (await readText(path, what)).replace(/\r?\n$/, '')
}

/** Why a file cannot be used, for a person. */
export function reasonOf(fault: unknown): string {
  const { code } = fault as { readonly code?: unknown }
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EISDIR') return 'it is a directory'
  return fault instanceof Error ? fault.message : String(fault)
}
