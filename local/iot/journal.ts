import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { messageOf } from '../cloud-start-error.ts'
import { DamagedStateError } from '../persist.ts'

/**
 * A file of JSON lines, one per change, so that a change costs one small write however much is stored.
 * Opening replays it and then rewrites it atomically to what is still true.
 */
export interface Journal<Entry> {
  /** Returns once the operating system has the line, so it outlives the process. */
  append(entry: Entry): void
  close(): void
}

export interface JournalOptions<Entry> {
  /** Readable by its owner only (mode 0600). */
  readonly file: string
  replay(entry: Entry): void
  /** What is true after the replay, as entries. */
  snapshot(): Iterable<Entry>
}

/** Throws a `DamagedStateError` that names file and line. */
export function openJournal<Entry>(options: JournalOptions<Entry>): Journal<Entry> {
  mkdirSync(dirname(options.file), { recursive: true })
  if (existsSync(options.file)) replay(options)
  compact(options)
  const descriptor = openSync(options.file, 'a', 0o600)
  return {
    append: (entry) => {
      writeSync(descriptor, `${JSON.stringify(entry)}\n`)
    },
    close: () => closeSync(descriptor),
  }
}

function replay<Entry>({ file, replay }: JournalOptions<Entry>): void {
  const lines = readFileSync(file, 'utf8').split('\n')
  // What follows the last newline is a write cut short by a crash; nobody was told that it happened.
  lines.pop()
  lines.forEach((line, index) => {
    try {
      replay(JSON.parse(line) as Entry)
    } catch (error) {
      throw new DamagedStateError(file, `line ${index + 1}: ${messageOf(error)}`)
    }
  })
}

function compact<Entry>({ file, snapshot }: JournalOptions<Entry>): void {
  const temporary = `${file}.new`
  const descriptor = openSync(temporary, 'w', 0o600)
  try {
    for (const entry of snapshot()) writeSync(descriptor, `${JSON.stringify(entry)}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, file)
}
