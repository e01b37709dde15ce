import { closeSync, openSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { CloudStartError } from './cloud-start-error.ts'

/**
 * The holder of a state folder. `started` distinguishes a process from an earlier one with the same
 * id.
 */
interface Holder {
  readonly pid: number
  readonly started: string
}

/** The folders held by this very process. */
const held = new Set<string>()

/**
 * Makes sure that no other embedded cloud uses the state folder; returns a function that releases
 * it. A lock whose process is gone is taken over.
 */
export function lockState(folder: string): () => void {
  const path = realpathSync(folder)
  const file = join(path, 'lock')
  const holder = readHolder(file)
  if (held.has(path) || (holder && isAlive(holder))) throw inUse(folder, holder?.pid ?? process.pid)
  // A lock of a process that is gone, or one that was never written whole.
  rmSync(file, { force: true })
  write(file, folder)
  held.add(path)
  return () => {
    held.delete(path)
    rmSync(file, { force: true })
  }
}

/** Fails when another process was faster. */
function write(file: string, folder: string): void {
  const holder: Holder = { pid: process.pid, started: startTime(process.pid) }
  try {
    const descriptor = openSync(file, 'wx', 0o600)
    writeSync(descriptor, JSON.stringify(holder))
    closeSync(descriptor)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw inUse(folder, readHolder(file)?.pid)
  }
}

function inUse(folder: string, pid: number | undefined): CloudStartError {
  const who = pid === undefined ? 'another embedded cloud' : `the embedded cloud of process ${pid}`
  return new CloudStartError(
    `The state folder ${folder} is in use by ${who}; stop it or use another.`,
  )
}

function readHolder(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>
    if (typeof holder.pid !== 'number') return undefined
    return { pid: holder.pid, started: String(holder.started ?? '') }
  } catch {
    return undefined
  }
}

/** This process itself does not count: what it holds is in `held`. */
function isAlive({ pid, started }: Holder): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return started === startTime(pid)
}

/** When a process began, in ticks since the machine did; empty if there is no /proc. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Fields after the command in brackets, which may hold spaces: the start time is the 20th of them.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
