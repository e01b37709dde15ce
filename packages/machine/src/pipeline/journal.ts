import { hash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Notification,
  parseNotification,
  serializeNotification,
} from '@heliograph/core/notification'
import type { Seq } from '@heliograph/protocol/identifiers'
import { diskFault } from '../failure.ts'

/**
 * Keeps notifications on disk that were accepted but have neither arrived nor reached their slot.
 */
export interface Journal {
  /** What an earlier process left, oldest first. */
  readonly left: readonly Notification[]
  /**
   * Resolves when the notifications are synced to disk; those added in the meantime share the next
   * sync.
   */
  add(notification: Notification): Promise<void>
  /** The journal may forget the notification. Written with the next entry; if that is lost, it is delivered again. */
  done(seq: Seq): void
  /** Bytes on disk. */
  readonly bytes: number
  /** Why the last write failed, as a sentence; undefined if it did not. It is retried until it succeeds. */
  readonly problem: string | undefined
  /** Keeps all segments until the returned function is called, because a backup reads them. */
  keepSegments(): () => void
  close(): Promise<void>
}

export interface JournalOptions {
  readonly folder: string
  /** Bytes after which a new segment is started; default 8 MB. */
  readonly segmentBytes?: number
  /** Whether `add` waits for the disk; otherwise only for the system to have it. */
  readonly isSynced?: boolean
  /** Of every write: how long it took, milliseconds, and how many notifications shared it. */
  readonly onWrite?: (tookMs: number, count: number) => void
}

const SEGMENT_BYTES = 8 * 1024 * 1024
/**
 * With more segments than this, of which less than half is still in progress, old notifications that
 * are in progress are written again, so that segments can be removed.
 */
const MANY_SEGMENTS = 8
const SUFFIX = '.journal'
/** If nothing else is written, completed notifications are noted after this, milliseconds. */
const DONE_WITHIN_MS = 200

/**
 * After a failed write, the next one follows within this, milliseconds, because nothing else may
 * trigger one.
 */
const TRY_AGAIN_MS = 1_000
/**
 * Such a write has this many padding bytes, because a few bytes would fit on a disk that is
 * practically full.
 */
const TRIAL_BYTES = 16 * 1024

/** One line: a check of 8 hex digits over the rest, `+` and a notification, or `-` and a seq; others say nothing. */
const CHECK_CHARACTERS = 8

interface Segment {
  readonly number: number
  readonly path: string
  readonly file: FileHandle
  bytes: number
  /** Notifications in it that are under way. */
  open: number
  isMoving: boolean
}

interface Waiting {
  readonly line: string
  resolve(): void
  reject(fault: unknown): void
}

interface Entry {
  readonly notification: Notification
  /** Characters of its line. */
  readonly length: number
  readonly segment: Segment
}

/**
 * Opens the journal in a folder: segments of lines that are only appended to. A line that was cut off
 * by a crash or a full disk fails its check and ends its segment; what came before it counts. Segments go
 * oldest first, because a later one may say that something in an earlier one is done.
 *
 * @throws MachineError if the folder cannot be used.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { folder } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX)).sort()
  const left = new Map<Seq, Notification>()
  for (const name of names) replay(await readFile(join(folder, name), 'utf8'), left)
  const number = Number.parseInt(names.at(-1) ?? '0', 10) + 1
  const journal = new FileJournal(options, [...left.values()])
  try {
    await journal.begin(number)
  } catch (fault) {
    // the old segments stay as they are, and a next start begins with them
    await journal.close()
    await rm(segmentPath(folder, number), { force: true })
    throw diskFault(fault, folder)
  }
  // the remaining notifications are in the new segment now, and synced
  for (const name of names) await unlink(join(folder, name))
  return journal
}

function replay(text: string, left: Map<Seq, Notification>): void {
  for (const line of text.split('\n')) {
    const content = line.slice(CHECK_CHARACTERS)
    if (checkOf(content) !== line.slice(0, CHECK_CHARACTERS)) return
    const rest = content.slice(1)
    if (content.startsWith('-')) left.delete(rest as Seq)
    const notification = content.startsWith('+') ? parseNotification(rest) : undefined
    if (notification) left.set(notification.seq, notification)
  }
}

function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(12, '0')}${SUFFIX}`)
}

function checkOf(content: string): string {
  return hash('sha256', content).slice(0, CHECK_CHARACTERS)
}

function lineOf(content: string): string {
  return `${checkOf(content)}${content}\n`
}

class FileJournal implements Journal {
  readonly left: readonly Notification[]
  problem: string | undefined
  readonly #options: JournalOptions
  readonly #segments: Segment[] = []
  readonly #entries = new Map<Seq, Entry>()
  /** Characters of the lines of all entries. */
  #inProgress = 0
  #waiting: Waiting[] = []
  #done: string[] = []
  #writing: Promise<void> | undefined
  #idle: NodeJS.Timeout | undefined
  #readers = 0
  #isClosed = false

  constructor(options: JournalOptions, left: readonly Notification[]) {
    this.#options = options
    this.left = left
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async begin(number: number): Promise<void> {
    await this.#newSegment(number)
    await Promise.all(this.left.map((one) => this.add(one)))
  }

  add(notification: Notification): Promise<void> {
    return new Promise((resolve, reject) => {
      const line = lineOf(`+${serializeNotification(notification)}`)
      const entered = () => {
        this.#enter(notification, line.length)
        resolve()
      }
      this.#waiting.push({ line, resolve: entered, reject })
      this.#schedule()
    })
  }

  done(seq: Seq): void {
    const entry = this.#entries.get(seq)
    if (!entry) return
    this.#entries.delete(seq)
    this.#inProgress -= entry.length
    entry.segment.open -= 1
    this.#done.push(lineOf(`-${seq}`))
    this.#idle ??= setTimeout(() => this.#schedule(), DONE_WITHIN_MS)
  }

  keepSegments(): () => void {
    this.#readers += 1
    return () => {
      this.#readers -= 1
    }
  }

  async close(): Promise<void> {
    // one write may be in progress, one more takes what has come since, and that may move the oldest
    for (let n = 0; n < 2 || this.#waiting.length > 0; n += 1) {
      this.#schedule()
      await this.#writing
    }
    clearTimeout(this.#idle)
    if (this.#isClosed) return
    this.#isClosed = true
    for (const { file } of this.#segments) await file.close()
  }

  #enter(notification: Notification, length: number): void {
    const segment = this.#segments.at(-1) as Segment
    segment.open += 1
    this.#inProgress += length
    this.#entries.set(notification.seq, { notification, length, segment })
  }

  /** All requests in one turn of the event loop make one write. */
  #schedule(): void {
    if (this.#isClosed) {
      for (const one of this.#waiting.splice(0)) one.reject(new Error('the journal is closed'))
      return
    }
    this.#writing ??= new Promise((resolve) => setImmediate(resolve))
      .then(() => this.#write())
      .catch(() => {})
      .finally(() => {
        this.#writing = undefined
        if (this.#waiting.length > 0) this.#schedule()
      })
  }

  async #write(): Promise<void> {
    const waiting = this.#waiting
    const done = this.#done
    clearTimeout(this.#idle)
    this.#idle = undefined
    this.#waiting = []
    this.#done = []
    try {
      const trial = this.problem === undefined ? '' : lineOf(' '.repeat(TRIAL_BYTES))
      const lines = waiting.map(({ line }) => line)
      await this.#append([trial, ...done, ...lines].join(''), waiting.length)
      this.problem = undefined
      for (const one of waiting) one.resolve()
    } catch (thrown) {
      const fault = diskFault(thrown, this.#options.folder)
      this.problem = fault instanceof Error ? fault.message : String(fault)
      this.#done = [...done, ...this.#done]
      for (const one of waiting) one.reject(fault)
      this.#idle ??= setTimeout(() => this.#schedule(), TRY_AGAIN_MS).unref()
      return
    }
    await this.#tidy()
  }

  async #append(text: string, count: number): Promise<void> {
    const segment = this.#segments.at(-1) as Segment
    const bytes = Buffer.from(text)
    const since = performance.now()
    try {
      let written = 0
      while (written < bytes.length) {
        const left = bytes.length - written
        const result = await segment.file.write(bytes, written, left, segment.bytes + written)
        written += result.bytesWritten
      }
      if (count > 0 && this.#options.isSynced !== false) await segment.file.datasync()
    } catch (fault) {
      // a partial line would hide everything after it
      await segment.file.truncate(segment.bytes).catch(() => {})
      throw fault
    }
    segment.bytes += bytes.length
    this.#options.onWrite?.(performance.now() - since, count)
  }

  async #tidy(): Promise<void> {
    const active = this.#segments.at(-1) as Segment
    if (active.bytes >= (this.#options.segmentBytes ?? SEGMENT_BYTES))
      await this.#newSegment(active.number + 1)
    // otherwise writing again would remove little, and would not end where all is in progress
    const isMostlyDone = this.bytes > 2 * this.#inProgress
    if (this.#segments.length > MANY_SEGMENTS && isMostlyDone) this.#moveOldest()
    while (this.#readers === 0 && this.#segments.length > 1 && this.#segments[0]?.open === 0) {
      const oldest = this.#segments.shift() as Segment
      await oldest.file.close()
      await unlink(oldest.path)
    }
  }

  /** If no new one can be created, the old one stays in use. */
  async #newSegment(number: number): Promise<void> {
    const path = segmentPath(this.#options.folder, number)
    const file = await open(path, 'w', 0o600)
    try {
      await syncFolder(this.#options.folder)
    } catch (fault) {
      await file.close()
      throw fault
    }
    this.#segments.push({ number, path, file, bytes: 0, open: 0, isMoving: false })
  }

  /** Writes the notifications of the oldest segment that are still in progress once more. */
  #moveOldest(): void {
    const [oldest] = this.#segments
    if (!oldest || oldest.isMoving) return
    oldest.isMoving = true
    for (const [seq, { notification, segment }] of this.#entries)
      if (segment === oldest) this.#move(seq, notification)
  }

  #move(seq: Seq, notification: Notification): void {
    const line = lineOf(`+${serializeNotification(notification)}`)
    const resolve = () => {
      const entry = this.#entries.get(seq)
      if (!entry) {
        // it was done while it was written
        this.#done.push(lineOf(`-${seq}`))
        return
      }
      entry.segment.open -= 1
      this.#inProgress -= entry.length
      this.#enter(notification, line.length)
    }
    this.#waiting.push({ line, resolve, reject: () => {} })
  }
}

/** The name of a new file is on disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
