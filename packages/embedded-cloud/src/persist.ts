import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file of the state directory that cannot be what this program wrote. */
export class DamagedStateError extends Error {
  readonly file: string
  constructor(file: string, why: string) {
    super(
      `The state file ${file} is damaged (${why}); restore it or delete it to begin without it.`,
    )
    this.name = 'DamagedStateError'
    this.file = file
  }
}

/**
 * Reads a JSON file; undefined when there is none. `parse` checks what was read and may throw:
 * that, like JSON that does not parse, is a `DamagedStateError` which names the file.
 */
export async function readJsonFile<T>(
  file: string,
  parse: (value: unknown) => T,
): Promise<T | undefined> {
  const text = await readText(file)
  if (text === undefined) return undefined
  try {
    return parse(JSON.parse(text))
  } catch (error) {
    throw new DamagedStateError(file, error instanceof Error ? error.message : String(error))
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** True for the error of a file or folder that is not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}

/**
 * Replaces a file in one step: a reader, or a start after a kill, sees the old or the new content,
 * never half of it. There is no fsync: a killed process loses nothing, a power cut may lose the last write.
 */
export async function writeFileAtomic(
  file: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', mode)
    try {
      await handle.writeFile(content)
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Replaces a JSON file in one step, see `writeFileAtomic`. */
export async function writeJsonFile(file: string, value: unknown, mode = 0o600): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(value)}\n`, mode)
}

/**
 * A JSON file that follows a value which changes often. Writes never overlap, and changes made during
 * a write share the next one.
 */
export class JsonFile {
  readonly #file: string
  readonly #value: () => unknown
  #writing: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(file: string, value: () => unknown) {
    this.#file = file
    this.#value = value
  }

  /** Resolves once the current value, or a newer one, is on disk. */
  save(): Promise<void> {
    if (this.#writing === undefined) return this.#write()
    this.#next ??= this.#writing.catch(() => undefined).then(() => this.#write())
    return this.#next
  }

  #write(): Promise<void> {
    this.#next = undefined
    const writing = writeJsonFile(this.#file, this.#value()).finally(() => {
      if (this.#writing === writing) this.#writing = undefined
    })
    this.#writing = writing
    return writing
  }
}
