import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, type Key, open, type RootDatabase } from 'lmdb'
import { MachineError } from '../failure.ts'
import { DATABASE } from '../state-files.ts'

/** One named table: keys sort as their parts do, and values are JSON. */
export type Table<Value, K extends Key> = Database<Value, K>

/**
 * The database of a state folder. A write is a transaction whose promise resolves once it is synced
 * to disk; writes that come while one is in progress share the next sync. Reads see committed data.
 */
export interface Environment {
  table<Value, K extends Key>(name: string): Table<Value, K>
  /**
   * Runs `decide` in a write transaction, where reads are current. It must throw before it writes,
   * or not at all.
   */
  change<T>(decide: () => T): Promise<T>
  /** Resolves when everything that was asked to be written is on disk. */
  synced(): Promise<void>
  /** Copies the database as of one moment, while it is in use. */
  copy(file: string): Promise<void>
  /** Resolves once no write can succeed until the database is reopened; its message says so. */
  readonly broken: Promise<MachineError>
  close(): Promise<void>
}

export interface EnvironmentOptions {
  readonly folder: string
  /** A limit on the size of the database, bytes; none by default. For tests of a full disk. */
  readonly maxBytes?: number
}

const MAX_TABLES = 64

export function openEnvironment({ folder, maxBytes }: EnvironmentOptions): Environment {
  return environmentOn(openRoot(folder, maxBytes), folder)
}

/** What is asked of lmdb; a test has one that fails as lmdb does. */
type Root = Pick<RootDatabase, 'openDB' | 'transaction' | 'backup' | 'close'>

export function environmentOn(root: Root, folder: string): Environment {
  let breaks: (fault: MachineError) => void = () => {}
  const broken = new Promise<MachineError>((resolve) => {
    breaks = resolve
  })
  let latest: Promise<unknown> = Promise.resolve()
  return {
    table: <Value, K extends Key>(name: string) =>
      root.openDB<Value, K>({ name, encoding: 'json' }) as Table<Value, K>,

    change<T>(decide: () => T): Promise<T> {
      const changed = changeIn(root, decide).catch((fault: unknown) => {
        const told = storageFault(fault, folder)
        if (told instanceof BrokenDatabase) breaks(told)
        throw told
      })
      latest = changed.catch(() => {})
      return changed
    },

    // transactions are committed in the order in which they were asked for
    async synced() {
      await latest
    },

    async copy(file) {
      await root.backup(file, true)
    },

    broken,

    async close() {
      await latest
      await root.close()
    },
  }
}

function openRoot(folder: string, maxBytes: number | undefined): RootDatabase {
  const path = join(folder, DATABASE)
  demandDatabase(path)
  try {
    return open({
      path,
      noSubdir: true,
      maxDbs: MAX_TABLES,
      // a commit is a sync: what a promise has said is on disk
      overlappingSync: false,
      // with it a failed commit rejects a promise that nobody has, which ends the process
      eventTurnBatching: false,
      ...(maxBytes !== undefined && { mapSize: maxBytes }),
    })
  } catch (fault) {
    throw storageFault(fault, folder)
  }
}

/** The head of LMDB's first page: `mm_magic` and `mm_version` (mdb.c: MDB_meta). */
const MAGIC = 0xbeefc0de
const VERSION = 2
const HEAD = { magic: 24, version: 28, bytes: 32 }
/** Both meta pages, at the smallest page size. */
const LEAST_BYTES = 8192

/** Checked before LMDB does: the library ends the process if the file is something else. */
function demandDatabase(path: string): void {
  if (!existsSync(path)) return
  const { size } = statSync(path)
  if (size === 0) return
  const head = Buffer.alloc(HEAD.bytes)
  const file = openSync(path, 'r')
  readSync(file, head)
  closeSync(file)
  if (size < LEAST_BYTES || head.readUInt32LE(HEAD.magic) !== MAGIC)
    throw new MachineError(`${path} is not a database of this service: restore a backup`)
  if (head.readUInt32LE(HEAD.version) !== VERSION)
    throw new MachineError(
      `${path} was written by another version of LMDB: restore a backup, or install the version that wrote it`,
    )
}

type Result<T> = { readonly value: T } | { readonly fault: unknown }

async function changeIn<T>(root: Root, decide: () => T): Promise<T> {
  // lmdb reports an error in the callback as a separate unhandled rejection, too
  const attempt = (): Result<T> => {
    try {
      return { value: decide() }
    } catch (fault) {
      return { fault }
    }
  }
  const result = await root.transaction(attempt).catch(async (fault: unknown) => {
    throw await causeOf(fault)
  })
  if ('fault' in result) throw result.fault
  return result.value
}

/** lmdb rejects with a promise of the reason. */
async function causeOf(fault: unknown): Promise<unknown> {
  const { commitError } = (fault ?? {}) as { readonly commitError?: Promise<never> }
  return commitError === undefined ? fault : commitError.catch((cause: unknown) => cause)
}

/** LMDB failed to write its own meta page: it takes no more writes until it is reopened. */
class BrokenDatabase extends MachineError {}

/** Explains a full disk; the database stays as it was before the transaction. */
function storageFault(fault: unknown, folder: string): unknown {
  const text = fault instanceof Error ? fault.message : String(fault)
  if (text.includes('MDB_PANIC'))
    return new BrokenDatabase(
      `${join(folder, DATABASE)} takes no more writes (${text}): free space on its disk, and start the service again; nothing that was accepted is lost`,
      { cause: fault },
    )
  // LMDB calls a write that came out short an input/output error, and that is how a disk fills
  if (!/Input\/output|No space left|MDB_MAP_FULL|File too large|quota/i.test(text)) return fault
  return new MachineError(
    `${join(folder, DATABASE)} cannot be written (${text}): its disk is full or broken, so free space on it; what was accepted is kept, but nothing new is accepted`,
    { cause: fault },
  )
}
