import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { environment, Running } from './workshop.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The start of `heliograph serve` in the README, line by line. */
export function readmeLines(): readonly string[] {
  const page = readFileSync(join(root, 'README.md'), 'utf8')
  const block = /## Run it on one machine\n.*?```sh\n(.*?)```/s.exec(page)?.[1] ?? ''
  return block.trim().split('\n')
}

/** A shell at work in a folder, with all that it started. */
class Shell extends Running {
  constructor(folder: string, lines: readonly string[], variables: object = {}) {
    const options = { cwd: folder, env: { ...environment, ...variables }, detached: true } as const
    super(spawn('sh', ['-e', '-c', lines.join('\n')], options))
  }

  /** Ends what it started, too. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const { pid } = this.child
    if (pid !== undefined && this.child.exitCode === null) process.kill(-pid, signal)
    await this.ended
  }
}

export interface FiveLines {
  /** What the lines after the one that serves have printed. */
  readonly printed: string
  /** The process that serves has loaded these. */
  readonly loaded: readonly string[]
}

/** Runs the lines in an empty folder as somebody types them: the last two once the service says that it serves. */
export async function runLines(folder: string, tarball: string): Promise<FiveLines> {
  const record = join(folder, '..', 'loaded-modules.txt')
  const hook = join(folder, '..', 'loaded-modules.mjs')
  copyFileSync(fileURLToPath(new URL('programs/loaded-modules.mjs', import.meta.url)), hook)
  const serving = (line: string) => /heliograph serve/.test(line)
  const lines = readmeLines()
  const at = lines.findIndex(serving)
  const port = await freePorts(5)
  const first = lines.slice(0, at + 1).map((line) =>
    line
      .replace('npm install heliograph', `npm install --prefer-offline --no-audit ${tarball}`)
      // somebody else may have the usual ones here
      .replace('heliograph serve', `heliograph serve --port-base ${port}`),
  )
  const variables = { LOADED_MODULES: record, NODE_OPTIONS: `--import ${hook}` }
  const server = new Shell(folder, [...first, 'wait'], variables)
  try {
    await server.prints(/"message":"serving"/)
    const rest = new Shell(folder, lines.slice(at + 1))
    const code = await rest.ended
    if (code !== 0) throw new Error(`the last lines ended with ${code}:\n${rest.text}`)
    return { printed: rest.text, loaded: loadedIn(record, folder) }
  } finally {
    await server.stop('SIGTERM')
  }
}

/** Of the modules of npm, which runs the command, none lies in the folder. */
function loadedIn(record: string, folder: string): string[] {
  if (!existsSync(record)) return []
  const paths = readFileSync(record, 'utf8').split('\n')
  return [...new Set(paths)].filter((path) => path.includes(join(folder, 'node_modules')))
}

/** The first of so many ports in a row that nobody has. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000)
    const free = await Promise.all(Array.from({ length: count }, (_, n) => isFree(first + n)))
    if (free.every(Boolean)) return first
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
