import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MachineError } from '../failure.ts'
import { DATABASE } from '../state-files.ts'
import { BACKUP_MAGIC, type BackupFile, type BackupHead } from './backup.ts'

/** Longer than the head of any backup. */
const MAX_HEAD_BYTES = 1024 * 1024
const CHUNK_BYTES = 1024 * 1024

/**
 * Puts a backup into an empty state folder. It appears there whole or not at all: every file is
 * checked against its digest before the folder gets its name.
 */
export async function restoreBackup(file: string, folder: string): Promise<BackupHead> {
  await demandEmpty(folder)
  const from = await open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new MachineError(`the backup ${file} cannot be read (${cause.code})`, { cause })
  })
  const made = `${folder}.restoring`
  try {
    await rm(made, { recursive: true, force: true })
    await mkdir(made, { recursive: true, mode: 0o700 })
    const { head, at } = await readHead(from, file)
    let place = at
    for (const one of head.files) place = await extract(from, place, one, made)
    await demandEnd(from, place, file)
    await rm(folder, { recursive: true, force: true })
    await rename(made, folder)
    await syncFolder(dirname(folder))
    return head
  } finally {
    await from.close()
    await rm(made, { recursive: true, force: true })
  }
}

async function demandEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((fault: NodeJS.ErrnoException) => {
    if (fault.code === 'ENOENT') return []
    throw fault
  })
  if (names.length > 0)
    throw new MachineError(
      `${folder} is not empty: a backup is restored into a new folder, so give another one, or move this one away`,
    )
}

async function readHead(
  from: FileHandle,
  file: string,
): Promise<{ readonly head: BackupHead; readonly at: number }> {
  const { buffer, bytesRead } = await from.read(Buffer.alloc(MAX_HEAD_BYTES), 0, MAX_HEAD_BYTES, 0)
  const start = buffer.subarray(0, bytesRead)
  const first = start.indexOf('\n')
  const second = start.indexOf('\n', first + 1)
  if (start.subarray(0, Math.max(first, 0)).toString() !== BACKUP_MAGIC || second < 0)
    throw new MachineError(`${file} is not a backup of heliograph`)
  const head = parseHead(start.subarray(first + 1, second).toString())
  if (!head) throw damaged(file)
  return { head, at: second + 1 }
}

function parseHead(text: string): BackupHead | undefined {
  try {
    const head = JSON.parse(text) as BackupHead
    return Array.isArray(head.files) && head.files.every(isPlain) && isEachOnce(head.files)
      ? head
      : undefined
  } catch {
    return undefined
  }
}

/** Nothing but what a backup holds: a name from a stranger's file must not lead out of the folder. */
function isPlain({ name, bytes }: BackupFile): boolean {
  const isName = typeof name === 'string' && /^(store\.mdb|journal\/\d{1,20}\.journal)$/.test(name)
  return isName && Number.isSafeInteger(bytes) && bytes >= 0
}

function isEachOnce(files: readonly BackupFile[]): boolean {
  const names = new Set(files.map(({ name }) => name))
  return names.size === files.length && names.has(DATABASE)
}

/** Writes one file and syncs it; returns the position of the next one. */
async function extract(
  from: FileHandle,
  at: number,
  { name, bytes, sha256 }: BackupFile,
  folder: string,
): Promise<number> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const to = await open(path, 'wx', 0o600)
  const digest = createHash('sha256')
  const buffer = Buffer.alloc(CHUNK_BYTES)
  try {
    for (let done = 0; done < bytes; ) {
      const most = Math.min(CHUNK_BYTES, bytes - done)
      const { bytesRead } = await from.read(buffer, 0, most, at + done)
      if (bytesRead === 0) throw damaged('the backup')
      const chunk = buffer.subarray(0, bytesRead)
      digest.update(chunk)
      await to.writeFile(chunk)
      done += bytesRead
    }
    await to.sync()
  } finally {
    await to.close()
  }
  if (digest.digest('hex') !== sha256) throw damaged('the backup')
  return at + bytes
}

async function demandEnd(from: FileHandle, at: number, file: string): Promise<void> {
  const { bytesRead } = await from.read(Buffer.alloc(1), 0, 1, at)
  if (bytesRead > 0) throw damaged(file)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

function damaged(file: string): MachineError {
  return new MachineError(
    `${file} is damaged or was cut off: nothing was restored; use another copy`,
  )
}
