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
import { messageOf } from './cloud-start-error.ts'
import { DamagedStateError } from './persist.ts'

/**
 * A file of JSON lines, one per change, so that a change costs one small write however much is stored.
 * Opening replays it and then rewrites it atomically to what is still true.
 */
export interface Journal<Entry> {
  /** Returns once the operating system has the line, so it outlives the process. */
  append(entry: Entry): void
  /** As `append`, but the line may wait for the next one or for the end of this turn. */
  appendSoon(entry: Entry): void
  /** Rewrites the file to what is true now. */
  compact(): void
  close(): void
}

export interface JournalOptions<Entry> {
  /** Readable by its owner only (mode 0600). */
  readonly file: string
  replay(entry: Entry): void
  /** What is true after the replay, and later whenever the file is rewritten, as entries. */
  snapshot(): Iterable<Entry>
  /** So many lines later the file is rewritten, so a change must come before its line; default never. */
  readonly compactAfter?: number
}

/** Throws a `DamagedStateError` that names file and line. */
export function openJournal<Entry>(options: JournalOptions<Entry>): Journal<Entry> {
  mkdirSync(dirname(options.file), { recursive: true })
  if (existsSync(options.file)) replay(options)
  return new JournalFile(options)
}

class JournalFile<Entry> implements Journal<Entry> {
  readonly #options: JournalOptions<Entry>
  #descriptor: number
  #lines = 0
  #waiting = ''
  #turn: NodeJS.Immediate | undefined

  constructor(options: JournalOptions<Entry>) {
    this.#options = options
    this.#descriptor = rewrite(options)
  }

  append(entry: Entry): void {
    this.#add(entry)
    this.#flush()
    if (this.#lines >= (this.#options.compactAfter ?? Number.POSITIVE_INFINITY)) this.compact()
  }

  appendSoon(entry: Entry): void {
    this.#add(entry)
    this.#turn ??= setImmediate(() => this.#flush())
  }

  compact(): void {
    const before = this.#descriptor
    this.#descriptor = rewrite(this.#options)
    closeSync(before)
    this.#forget()
    this.#lines = 0
  }

  close(): void {
    this.#flush()
    closeSync(this.#descriptor)
  }

  #add(entry: Entry): void {
    this.#waiting += `${JSON.stringify(entry)}\n`
    this.#lines += 1
  }

  #flush(): void {
    if (this.#waiting) writeSync(this.#descriptor, this.#waiting)
    this.#forget()
  }

  #forget(): void {
    if (this.#turn) clearImmediate(this.#turn)
    this.#turn = undefined
    this.#waiting = ''
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

/** Replaces the file in one step; returns a descriptor that appends to it. */
function rewrite<Entry>({ file, snapshot }: JournalOptions<Entry>): number {
  const temporary = `${file}.new`
  const descriptor = openSync(temporary, 'w', 0o600)
  try {
    for (const entry of snapshot()) writeSync(descriptor, `${JSON.stringify(entry)}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(temporary, file)
  return openSync(file, 'a', 0o600)
}
