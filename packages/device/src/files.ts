import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fault, messageOf } from './errors.ts'
import { type JsonObject, parseObject } from './json.ts'

/** Only the owner may read these files, which contain the private key and the device tokens. */
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** Makes the state directory if it is missing; an existing one keeps its mode. */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
  } catch (error) {
    throw unusable(directory, 'made', error)
  }
}

/** The text of a state file, or undefined if it is missing. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(path, 'read', error)
  }
}

/**
 * A JSON state file as `parse` understands it, or undefined if it is missing. `remedy` ends the
 * sentence of the error for a damaged one.
 */
export async function readState<State>(
  path: string,
  parse: (object: JsonObject) => State | undefined,
  remedy: string,
): Promise<State | undefined> {
  const text = await readText(path)
  if (text === undefined) return undefined
  const object = parseObject(text)
  const state = object && parse(object)
  if (state === undefined) throw fault('StateDamaged', `${resolve(path)} is damaged: ${remedy}`)
  return state
}

/**
 * Replaces a file so that after a crash or a power cut it holds either the old or the new text, whole.
 * Two writes to one path must not overlap.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    await rm(temporary, { force: true })
    await writeDurably(temporary, text)
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    throw unusable(path, 'written', error)
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  // wx: a file or link that someone has put there in the meantime is not followed.
  const file = await open(path, 'wx', FILE_MODE)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** The rename itself lasts only once the directory is on disk; Windows cannot open a directory. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Opens a file to append to, for its owner alone. */
export async function openForAppend(path: string) {
  try {
    return await open(path, 'a', FILE_MODE)
  } catch (error) {
    throw unusable(path, 'opened', error)
  }
}

function unusable(path: string, what: string, error: unknown) {
  return fault(
    'StateUnusable',
    `${resolve(path)} cannot be ${what} (${messageOf(error)}): give the device a directory that this user may write to`,
    { cause: error },
  )
}
