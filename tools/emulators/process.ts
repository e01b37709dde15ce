import { type ChildProcess, spawn } from 'node:child_process'
import { LastLines, TargetError } from './emulator.ts'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Hears every line of both outputs. */
  onLine?(line: string): void
}

/** A program that runs until it is stopped, with its output kept in sight. */
export interface Running {
  readonly lines: LastLines
  /** Resolves, with how it ended, when the program and its outputs have closed. */
  readonly ended: Promise<string>
  /** Ends the program and all that it started; resolves when it is gone. */
  stop(): Promise<void>
}

/** Milliseconds between asking a program to end and ending it. */
const graceMs = 5_000

/** Starts a program in a process group of its own, so that what it starts ends with it. */
export function start({ file, args, env, cwd, onLine }: Command): Running {
  const child = spawn(file, args, {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd && { cwd }),
  })
  const lines = new LastLines()
  const hear = (chunk: Buffer) => {
    for (const line of lines.add(chunk.toString())) onLine?.(line)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const ended = endOf(child)
  return { lines, ended, stop: () => stop(child, ended) }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) =>
      resolve(signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`),
    )
  })
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  signalGroup(child, 'SIGTERM')
  const force = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs)
  await ended
  clearTimeout(force)
  // the program is gone; what it started may have stayed
  signalGroup(child, 'SIGKILL')
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // the group has ended already
  }
}

/**
 * Runs a program to its end and gives its standard output; throws a TargetError with the last lines when it fails.
 * `what` completes "cannot …".
 */
export async function run(what: string, command: Command, abort?: AbortSignal): Promise<void> {
  const running = start(command)
  const onAbort = () => void running.stop()
  abort?.addEventListener('abort', onAbort, { once: true })
  const end = await running.ended
  abort?.removeEventListener('abort', onAbort)
  if (end === 'it ended with exit code 0') return
  const last = running.lines.all.slice(-15).join('\n')
  throw new TargetError(`cannot ${what}: ${command.file} failed (${end})\n${last}`)
}
