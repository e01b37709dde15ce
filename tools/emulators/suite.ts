import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { start } from './process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Suite {
  /** A Vitest configuration, from the project's root. */
  readonly config: string
  readonly leftOut: Readonly<Record<string, string>>
  /** Test files, as Vitest takes them; all where there are none. */
  readonly files: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Ends the tests. */
  readonly abort: AbortSignal
}

/** Runs tests in a process of their own whose output is passed on; resolves to whether all passed. */
export async function runSuite(suite: Suite): Promise<boolean> {
  for (const [name, reason] of Object.entries(suite.leftOut)) console.log(` ↓ ${name} [${reason}]`)
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const running = start({
    file: process.execPath,
    args: [vitest, 'run', '--config', suite.config, '--reporter=verbose', ...suite.files],
    env: { ...process.env, ...suite.environment },
    cwd: root,
    onLine: (line) => console.log(line),
  })
  const end = () => void running.stop()
  suite.abort.addEventListener('abort', end, { once: true })
  return (await running.ended) === 'it ended with exit code 0'
}
