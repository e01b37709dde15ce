import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LocalFile } from '../bin/demo.ts'

/** An embedded cloud in a process of its own, started as `npm start` does. */
export interface CloudProcess {
  readonly pid: number | undefined
  readonly state: string
  readonly local: LocalFile
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('..', import.meta.url))

export async function startCloudProcess(portBase: number): Promise<CloudProcess> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-bench-'))
  const options = ['--quiet', '--state', state, '--port-base', String(portBase)]
  const child = spawn(process.execPath, ['--import', 'tsx', 'bin/start.ts', ...options], {
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
  throw new Error('the embedded cloud did not start within 90 s: run npm start to see why')
}
