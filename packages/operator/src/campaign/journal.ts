import { type FileHandle, lstat, open } from 'node:fs/promises'
import { Failure } from '../failure.ts'
import { reasonOf } from '../files.ts'
import { type Begun, type Done, type Gone, KIND, type Open, type Terms } from './entries.ts'
import { eachEntry, readTerms } from './journal-file.ts'
import { lockFile } from './lock.ts'

/**
 * What a campaign has done, as JSON lines that are only ever appended (docs/cli.md): first its
 * description, then for each chunk `begun` before its request is sent, and `done` with the results.
 * A line is on disk before the campaign continues, so nothing is unknown, whatever ends the
 * process.
 */
export interface Journal {
  readonly terms: Terms
  /** Whether an earlier run began the campaign. */
  readonly isResumed: boolean
  /** What is known about a chunk; undefined if it was never started. */
  chunk(number: number): ChunkState | undefined
  chunks(): Iterable<readonly [number: number, state: ChunkState]>
  begin(begun: Begun): Promise<void>
  finish(done: Done): Promise<void>
  /** Every dead or bad token of the campaign so far. */
  gone(): AsyncGenerator<Gone>
  close(): Promise<void>
}

export interface ChunkState extends Open {
  readonly ends: Readonly<Record<string, number>>
  /** Begun at this time, with no result: everything that was open is in doubt. */
  readonly begunAt?: number
}

export interface OpenRecipients extends Pick<Open, 'doubt' | 'since'> {
  /** Not accepted for certain: their places, with the last reason. */
  readonly sure: readonly (readonly [place: number, reason: string])[]
}

/** The open recipients of a started chunk of this size. */
export function openIn(state: ChunkState, length: number): OpenRecipients {
  const { begunAt, doubt, later, ends, since = Number.POSITIVE_INFINITY } = state
  const sure = Object.entries(later).flatMap(([reason, places]) =>
    places.map((place) => [place, reason] as const),
  )
  if (begunAt === undefined) return { sure, doubt, ...(doubt.length > 0 && { since }) }
  const isFirst = Object.keys(ends).length === 0 && sure.length === 0 && doubt.length === 0
  const places = isFirst
    ? Array.from({ length }, (_, place) => place)
    : sure.map(([place]) => place)
  return { sure: [], doubt: [...places, ...doubt], since: Math.min(since, begunAt) }
}

/** An id that is not named is that of the journal. */
type WantedTerms = Omit<Terms, 'id'> & { readonly id?: string | undefined }

/** Opens the journal of these terms, or begins it. */
export async function openJournal(
  path: string,
  terms: WantedTerms,
  newId: () => string,
): Promise<Journal> {
  const unlock = await lockFile(path).catch((fault: unknown) => {
    throw fault instanceof Failure ? fault : unusable(path, fault)
  })
  try {
    const size = await sizeOf(path)
    // a journal without a first line was never started
    const found = size ? await readJournal(path, terms) : undefined
    const handle = await open(path, size === undefined ? 'wx' : 'r+', 0o600)
    const { id = newId(), ...rest } = terms
    const own = found?.terms ?? { id, ...rest }
    const journal = new FileJournal({
      path,
      handle,
      unlock,
      terms: own,
      isResumed: found !== undefined,
    })
    journal.recall(found)
    try {
      // what a crash left half written is as good as not written
      if (found) await handle.truncate(found.bytes)
      else await journal.write({ heliograph: KIND, ...own })
    } catch (fault) {
      await handle.close()
      throw fault
    }
    return journal
  } catch (fault) {
    await unlock()
    throw fault instanceof Failure ? fault : unusable(path, fault)
  }
}

function unusable(path: string, fault: unknown): Failure {
  const text = `the journal ${path} cannot be used: ${reasonOf(fault)}; name another place for it with --resume FILE`
  return new Failure('failed', text, { cause: fault })
}

interface FileJournalParts extends Pick<Journal, 'terms' | 'isResumed'> {
  readonly path: string
  readonly handle: FileHandle
  unlock(): Promise<void>
}

class FileJournal implements Journal {
  readonly #parts: FileJournalParts
  #states = new Map<number, ChunkState>()
  #position = 0
  #written: Promise<unknown> = Promise.resolve()

  constructor(parts: FileJournalParts) {
    this.#parts = parts
  }

  get terms(): Terms {
    return this.#parts.terms
  }

  get isResumed(): boolean {
    return this.#parts.isResumed
  }

  recall(found: Found | undefined): void {
    if (!found) return
    this.#states = found.states
    this.#position = found.bytes
  }

  chunk(number: number): ChunkState | undefined {
    return this.#states.get(number)
  }

  chunks(): Iterable<readonly [number, ChunkState]> {
    return this.#states.entries()
  }

  begin(begun: Begun): Promise<void> {
    apply(this.#states, begun)
    return this.write(begun)
  }

  finish(done: Done): Promise<void> {
    apply(this.#states, done)
    return this.write(done)
  }

  async *gone(): AsyncGenerator<Gone> {
    await this.#written
    const { path, terms } = this.#parts
    for await (const { entry } of eachEntry(path, terms)) if ('done' in entry) yield* entry.gone
  }

  async close(): Promise<void> {
    await this.#written.catch(() => {})
    await this.#parts.handle.close()
    await this.#parts.unlock()
  }

  /** One after the other, each to the disk. */
  write(entry: object): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(entry)}\n`)
    const written = this.#written.then(async () => {
      const { bytesWritten } = await this.#parts.handle.write(
        bytes,
        0,
        bytes.length,
        this.#position,
      )
      // that is how a disk fills
      if (bytesWritten < bytes.length) throw new Error('no space is left on its disk')
      await this.#parts.handle.datasync()
      this.#position += bytes.length
    })
    this.#written = written
    written.catch(() => {})
    return written.catch((fault: unknown) => {
      throw unusable(this.#parts.path, fault)
    })
  }
}

interface Found {
  readonly terms: Terms
  readonly states: Map<number, ChunkState>
  /** Of whole lines. */
  readonly bytes: number
}

/** What a journal says, which must be of these terms. */
async function readJournal(path: string, wanted: WantedTerms): Promise<Found> {
  const { terms, end } = await readTerms(path)
  demandSame(path, terms, wanted)
  const states = new Map<number, ChunkState>()
  let bytes = end
  for await (const { entry, end: endOfEntry } of eachEntry(path, terms)) {
    apply(states, entry)
    bytes = endOfEntry
  }
  return { terms, states, bytes }
}

/** Undefined if there is none. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await lstat(path)
    // the journal of another could be behind a link, and a device never ends
    if (!found.isFile())
      throw new Failure(
        'refused',
        `${path} is ${found.isSymbolicLink() ? 'a link' : 'not a file'}: name the journal itself with --resume`,
      )
    return found.size
  } catch (fault) {
    if ((fault as { readonly code?: unknown }).code === 'ENOENT') return undefined
    throw fault
  }
}

function apply(states: Map<number, ChunkState>, entry: Begun | Done): void {
  if ('done' in entry) {
    const { done, ends, later, doubt, since } = entry
    const before = states.get(done)?.ends ?? {}
    states.set(done, {
      ends: sum(before, ends),
      later,
      doubt,
      ...(since !== undefined && { since }),
    })
  } else {
    const { begun, at } = entry
    const before = states.get(begun) ?? { ends: {}, later: {}, doubt: [] }
    states.set(begun, { ...before, begunAt: at })
  }
}

/** Two counts by reason as one. */
export function sum(
  some: Readonly<Record<string, number>>,
  more: Readonly<Record<string, number>>,
): Record<string, number> {
  const all: Record<string, number> = { ...some }
  for (const [name, number] of Object.entries(more)) all[name] = (all[name] ?? 0) + number
  return all
}

/** @throws Failure that names what differs. */
function demandSame(path: string, was: Terms, is: WantedTerms): void {
  const names = new Set([...Object.keys(was.headers), ...Object.keys(is.headers)])
  const different = [
    ...(was.tokensFile === is.tokensFile && was.tokens === is.tokens ? [] : ['the tokens']),
    ...(was.payload === is.payload ? [] : ['the payload']),
    ...[...names].filter((name) => was.headers[name] !== is.headers[name]),
    ...(is.id === undefined || is.id === was.id ? [] : ['apns-id']),
    ...(was.perRequest === is.perRequest ? [] : ['the size of a request']),
  ]
  if (different.length === 0) return
  throw new Failure(
    'refused',
    `${path} is the journal of another campaign (different: ${different.join(', ')}): to continue that campaign, give what it was started with; for a new campaign, name another journal with --resume`,
  )
}
