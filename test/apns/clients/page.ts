import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { LocalFile } from '../../../bin/demo.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The first code block of a page under docs/ of this info string: `js`, or `js token`. */
function codeOf(page: string, language: string): string {
  const text = readFileSync(join(root, 'docs', page), 'utf8')
  const found = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text)?.[1]
  if (!found) throw new Error(`docs/${page} has no ${language} block`)
  return found
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What runs a block, its text coming by standard input; undefined where the machine lacks it. */
export const runners = {
  js: () => [process.execPath, '--input-type=module', '-'],
  sh: () => (hasCommand('curl', '--version') ? ['sh', '-s'] : undefined),
  python: () => pythonWithAioapns(),
} as const satisfies Record<string, () => readonly string[] | undefined>

export type Language = keyof typeof runners

/** Whether this machine has a command that runs so. */
export function hasCommand(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0
}

/** Debian's interpreter has Debian's packages; another in the path may not. */
function pythonWithAioapns(): readonly string[] | undefined {
  const found = ['/usr/bin/python3', 'python3'].find((python) =>
    hasCommand(python, '-c', 'import aioapns'),
  )
  return found ? [found, '-'] : undefined
}

/** Runs a page's block against the embedded edge, with its names in place of the page's. */
export async function runPage(
  page: string,
  language: Language,
  local: LocalFile,
  token: string,
  kind: 'certificate' | 'token' = 'certificate',
): Promise<Ran> {
  const runner = runners[language]()
  if (!runner) throw new Error(`nothing here runs ${language}`)
  // below the checkout, so that Node finds its packages
  const folder = mkdtempSync(join(root, 'node_modules', '.heliograph-clients-'))
  try {
    layOut(folder, local)
    const code = codeOf(`clients/${page}`, kind === 'token' ? `${language} token` : language)
    return await run(runner, folder, adapt(code, local, token))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a loop over many devices reads: paths of PEM files, and the tokens themselves. */
export interface ManyFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly tokens: readonly string[]
}

/** A loop of docs/provider-api.md, and how it is run from the file that it goes into. */
export interface Loop {
  readonly language: string
  readonly command: readonly string[]
  readonly file: string
}

/** Runs a loop of docs/provider-api.md against an edge. */
export async function runLoop(
  { language, command, file }: Loop,
  url: string,
  files: ManyFiles,
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-loop-'))
  try {
    copyFileSync(files.ca, join(folder, 'ca.pem'))
    copyFileSync(files.cert, join(folder, 'app.pem'))
    copyFileSync(files.key, join(folder, 'app.key'))
    writeFileSync(join(folder, 'tokens.txt'), `${files.tokens.join('\n')}\n`)
    const { hostname, port } = new URL(url)
    const code = codeOf('provider-api.md', `${language} many`)
    const own = code.replaceAll('push.example.com', hostname).replace(/\b443\b/g, port)
    writeFileSync(join(folder, file), own)
    return await run(command, folder, '')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The files that the pages name. */
function layOut(folder: string, { provider, providerToken }: LocalFile): void {
  if (providerToken) copyFileSync(providerToken.key, join(folder, 'AuthKey.p8'))
  copyFileSync(provider.ca, join(folder, 'ca.pem'))
  copyFileSync(provider.cert, join(folder, 'app.pem'))
  copyFileSync(provider.key, join(folder, 'app.key'))
  const both = readFileSync(provider.cert, 'utf8') + readFileSync(provider.key, 'utf8')
  writeFileSync(join(folder, 'client.pem'), both)
}

function adapt(code: string, { provider, providerToken }: LocalFile, token: string): string {
  const byToken = code.includes('AuthKey.p8')
  const { hostname, port } = new URL((byToken && providerToken?.url) || provider.url)
  return code
    .replaceAll('api.push.example.com', hostname)
    .replaceAll('push.example.com', hostname)
    .replaceAll('<key id>', providerToken?.keyId ?? '')
    .replaceAll('<team id>', providerToken?.teamId ?? '')
    .replace(/\b443\b/g, port)
    .replaceAll('<token>', token)
    .replaceAll("'undici'", `'${undiciOfApns2()}'`)
}

/** The version that apns2 uses; its user installs the same. */
function undiciOfApns2(): string {
  const entry = createRequire(import.meta.url).resolve('apns2')
  return pathToFileURL(createRequire(entry).resolve('undici')).href
}

function run([command = '', ...args]: readonly string[], cwd: string, input: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd })
    const texts = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        texts[name] += chunk
      })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...texts }))
    child.stdin.end(input)
  })
}
