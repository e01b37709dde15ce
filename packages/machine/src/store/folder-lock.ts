import { readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { MachineError } from '../failure.ts'
import { DATABASE, OPERATOR_SOCKET } from '../state-files.ts'
import type { Environment } from './environment.ts'

/** Who uses a state folder: enough to tell a process from a later one with the same number. */
interface Holder {
  readonly pid: number
  /** When it began, in ticks since the machine did. Like the others empty if there is no /proc. */
  readonly started: string
  /** Of the machine's present run. */
  readonly boot: string
  /** Numbers of processes mean something within one of these: a container has its own. */
  readonly namespace: string
  /** The database's own mark: a copy of it belongs to nobody. */
  readonly file: string
}

const HOLDER = 'holder'

/** The folders held by this very process. */
const held = new Set<string>()

/** LMDB has one environment of a file in a process: asked before a second one is opened. */
export function demandNotHeldHere(folder: string): void {
  if (held.has(realpathSync(folder))) throw inUse(folder, process.pid)
}

/**
 * Makes sure that no other process uses the state folder; returns a function that releases it. The
 * holder is chosen in a transaction of the database, whose own lock the system frees when a process
 * dies: exactly one process takes over what a killed process left behind.
 */
export async function lockFolder(
  environment: Environment,
  folder: string,
): Promise<() => Promise<void>> {
  const path = realpathSync(folder)
  const holders = environment.table<Holder, string>('meta')
  const answers = await socketAnswers(join(path, OPERATOR_SOCKET))
  held.add(path)
  try {
    await environment.change(() => {
      const holder = holders.get(HOLDER)
      const file = fileNumber(path)
      if (holder && isAlive(holder, file, answers)) throw inUse(folder, holder.pid)
      holders.put(HOLDER, self(file))
    })
  } catch (fault) {
    held.delete(path)
    throw fault
  }
  return () =>
    environment
      .change(() => void holders.remove(HOLDER))
      .finally(() => {
        held.delete(path)
      })
}

function self(file: string): Holder {
  return {
    file,
    pid: process.pid,
    started: startTime(process.pid),
    boot: bootId(),
    namespace: pidNamespace(),
  }
}

/** A process of another container cannot be looked for; it answers at the operator's socket. */
function isAlive(holder: Holder, ownFile: string, answers: boolean): boolean {
  const { pid, started, boot, namespace, file } = holder
  if (answers) return true
  if (file !== ownFile) return false
  if (boot !== bootId() || namespace !== pidNamespace()) return false
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return started === startTime(pid)
}

function socketAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}

function inUse(folder: string, pid: number): MachineError {
  return new MachineError(
    `the state folder ${folder} is in use by process ${pid}: stop it, or give --state another folder`,
  )
}

/** Device and inode. */
function fileNumber(folder: string): string {
  const { dev, ino } = statSync(join(folder, DATABASE))
  return `${dev}:${ino}`
}

function startTime(pid: number): string {
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // fields after the command in brackets, which may hold spaces: the start time is the 20th of them
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function bootId(): string {
  return textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

function pidNamespace(): string {
  return textOf(() => readlinkSync('/proc/self/ns/pid'))
}

function textOf(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
