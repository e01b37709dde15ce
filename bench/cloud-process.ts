import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LocalFile } from '../bin/demo.ts'

/** A service in a process of its own, which says in `local.json` how to reach it. */
export interface ServiceProcess {
  readonly pid: number | undefined
  readonly state: string
  readonly local: LocalFile
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('..', import.meta.url))

const fromSources = ['--conditions=heliograph', '--import', 'tsx']

/** The embedded cloud, started as `npm start` does. */
export function startCloudProcess(portBase: number): Promise<ServiceProcess> {
  return start([...fromSources, 'bin/start.ts', '--quiet'], portBase)
}

/**
 * `heliograph serve`: one machine, without AWS. From the sources, or from MACHINE_COMMAND, the path of an
 * installed `heliograph`: what compiles the sources takes memory. MACHINE_NODE_OPTIONS go to Node.
 */
export function startMachineProcess(
  portBase: number,
  durability = 'delivered',
): Promise<ServiceProcess> {
  const { MACHINE_COMMAND: command = 'bin/heliograph.mjs' } = process.env
  const serve = [command, 'serve', '--dev', '--durability', durability]
  return start([...(process.env.MACHINE_NODE_OPTIONS?.split(' ') ?? []), ...serve], portBase)
}

async function start(command: readonly string[], portBase: number): Promise<ServiceProcess> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-bench-'))
  const args = [...command, '--state', state, '--port-base', String(portBase)]
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const stop = async () => {
    if (child.exitCode === null) {
      child.kill('SIGTERM')
      await new Promise((resolve) => child.once('exit', resolve))
    }
    rmSync(state, { recursive: true, force: true })
  }
  try {
    return { pid: child.pid, state, local: await localFile(state, child), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function localFile(state: string, child: ChildProcess): Promise<LocalFile> {
  const path = join(state, 'local.json')
  const deadline = Date.now() + 90_000
  while (Date.now() < deadline && child.exitCode === null) {
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as LocalFile
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(
    'the service did not start within 90 s: run npm start, or heliograph serve --dev, to see why',
  )
}
