import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MachineError } from '../failure.ts'
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
  /** The state folder. */
  readonly folder: string
  readonly stage: string
  readonly format: number
  readonly now: number
}

const JOURNAL = 'journal'

/**
 * Writes a state folder as it is while it is served. The journal comes first: what leaves it meanwhile is in
 * the database by then, and what is in both is delivered once more, and never lost. The owner's key
 * is not in it.
 */
export async function writeBackup(source: BackupSource, to: Writable): Promise<void> {
  await demandSpace(source.folder)
  const copy = await mkdtemp(join(source.folder, 'backup-'))
  try {
    await copyJournal(source.folder, copy)
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

/** The copy lies beside the database for as long as it is sent. */
async function demandSpace(folder: string): Promise<void> {
  const [{ bavail, bsize }, { size }] = await Promise.all([
    statfs(folder),
    stat(join(folder, DATABASE)),
  ])
  if (bavail * bsize < 2 * size)
    throw new MachineError(
      `a backup needs room for a copy of the database beside it, and as much again is kept free: free ${2 * size} bytes on the disk of ${folder}`,
    )
}

async function copyJournal(folder: string, copy: string): Promise<void> {
  await mkdir(join(copy, JOURNAL), { mode: 0o700 })
  const from = join(folder, JOURNAL)
  const names = await readdir(from).catch(unlessGone([]))
  // oldest first: what is moved on meanwhile is in a later one
  for (const name of names.sort())
    await copyFile(join(from, name), join(copy, JOURNAL, name)).catch(unlessGone(undefined))
}

function unlessGone<T>(otherwise: T): (fault: NodeJS.ErrnoException) => T {
  return (fault) => {
    if (fault.code !== 'ENOENT') throw fault
    return otherwise
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
