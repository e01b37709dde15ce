import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { run } from '../../tools/emulators/process.ts'

/** AWS's runtime client, which the runtimes of Lambda themselves run on, and the Node.js of `lib/`. */
const packages = { 'aws-lambda-ric': '4.0.2', node: '24.21.0' } as const

/** The two programs, ready to run. */
export interface Tools {
  readonly node: string
  /** The runtime client's entry file. */
  readonly client: string
}

/** Why the tools cannot be had on this machine. */
export class NoTools extends Error {}

/**
 * Installs the tools once per machine, outside the project: the client wants Node.js 22 or later and
 * builds its native part for most of a minute, which `npm ci` must not take.
 */
export async function installTools(onLine: (line: string) => void): Promise<Tools> {
  const folder = join(cacheFolder(), Object.entries(packages).flat().join('-'))
  const tools = {
    node: join(folder, 'node', 'node_modules', '.bin', 'node'),
    client: join(folder, 'aws-lambda-ric', 'node_modules', 'aws-lambda-ric', 'index.mjs'),
  }
  const mark = join(folder, 'complete')
  if (existsSync(mark)) return tools
  demandBuildTools()
  rmSync(folder, { recursive: true, force: true })
  await install(folder, 'node', onLine)
  await install(folder, 'aws-lambda-ric', onLine)
  writeFileSync(mark, '')
  return tools
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME: home = join(homedir(), '.cache') } = process.env
  return join(home, 'heliograph', 'lambda-runtime')
}

function demandBuildTools(): void {
  if (process.platform !== 'linux') throw new NoTools('the runtime client is built on Linux only')
  for (const program of ['cmake', 'make', 'g++', 'python3'])
    if (!isThere(program)) throw new NoTools(`building the runtime client needs ${program}`)
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A folder for each; the second with the Node.js of the first, which it asks for. */
async function install(
  folder: string,
  name: keyof typeof packages,
  onLine: (line: string) => void,
): Promise<void> {
  const [cwd, node] = [join(folder, name), join(folder, 'node', 'node_modules', '.bin')]
  mkdirSync(cwd, { recursive: true })
  writeFileSync(join(cwd, 'package.json'), '{"private":true}')
  await run(`install ${name} from the npm registry`, {
    file: 'npm',
    args: ['install', '--save-exact', '--no-audit', '--no-fund', `${name}@${packages[name]}`],
    cwd,
    env: {
      ...process.env,
      PATH: [node, process.env.PATH].join(delimiter),
      npm_config_ignore_scripts: 'false',
    },
    onLine,
  })
}
