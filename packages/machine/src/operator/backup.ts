import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MachineError } from '../failure.ts'
import type { Journal } from '../pipeline/journal.ts'
import { DATABASE } from '../state-files.ts'
import type { Environment } from '../store/environment.ts'

/** The first line of a backup. */
export const BACKUP_MAGIC = 'heliograph machine backup 1'

/** The second line, as JSON; the files follow in its order, one after the other. */
export interface BackupHead {
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly stage: string
  /** Format of the state folder. */
  readonly format: number
  readonly files: readonly BackupFile[]
}

export interface BackupFile {
  /** Path within the state folder. */
  readonly name: string
  readonly bytes: number
  /** SHA-256, hex. */
  readonly sha256: string
}

export interface BackupSource {
  readonly environment: Environment
  readonly journal: Pick<Journal, 'keepSegments'>
  /** The state folder. */
  readonly folder: string
  readonly stage: string
  readonly format: number
  readonly now: number
}

const JOURNAL = 'journal'
/** What the names of unfinished copies begin with. */
const DRAFT = 'unfinished-backup-'

/**
 * Writes a snapshot of a state folder in use. The journal comes first: what leaves the journal in
 * the meantime is in the database by then, and what is in both is delivered again rather than lost.
 * The owner's key is not included.
 */
export async function writeBackup(source: BackupSource, to: Writable): Promise<void> {
  await demandSpace(source.folder)
  const copy = await mkdtemp(join(source.folder, DRAFT))
  try {
    await copyJournal(source, copy)
    await source.environment.copy(join(copy, DATABASE))
    const names = [DATABASE, ...(await namesIn(join(copy, JOURNAL)))]
    const files = await Promise.all(names.map((name) => describe(copy, name)))
    const { now, stage, format } = source
    const head: BackupHead = { createdAt: now, stage, format, files }
    to.write(`${BACKUP_MAGIC}\n${JSON.stringify(head)}\n`)
    for (const { name } of files)
      await pipeline(createReadStream(join(copy, name)), to, { end: false })
    to.end()
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** Removes the copies that a process was making when it was killed: each is as large as the database. */
export async function removeUnfinishedBackups(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const name of names.filter((one) => one.startsWith(DRAFT)))
    await rm(join(folder, name), { recursive: true, force: true })
}

/** The copy is next to the database while it is being sent. */
async function demandSpace(folder: string): Promise<void> {
  const [{ bavail, bsize }, { size }] = await Promise.all([
    statfs(folder),
    stat(join(folder, DATABASE)),
  ])
  if (bavail * bsize < 2 * size)
    throw new MachineError(
      `a backup needs room for a copy of the database next to it, and as much again must stay free: free ${2 * size} bytes on the disk of ${folder}`,
    )
}

/**
 * No segment may be removed in the meantime: what is moved out of a listed segment would be in none
 * of them.
 */
async function copyJournal({ folder, journal }: BackupSource, copy: string): Promise<void> {
  await mkdir(join(copy, JOURNAL), { mode: 0o700 })
  const from = join(folder, JOURNAL)
  const release = journal.keepSegments()
  try {
    for (const name of await readdir(from))
      await copyFile(join(from, name), join(copy, JOURNAL, name))
  } finally {
    release()
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort().map((name) => `${JOURNAL}/${name}`)
}

async function describe(folder: string, name: string): Promise<BackupFile> {
  const digest = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(join(folder, name)) as AsyncIterable<Buffer>) {
    digest.update(chunk)
    bytes += chunk.length
  }
  return { name, bytes, sha256: digest.digest('hex') }
}
