import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const programs = fileURLToPath(new URL('programs', import.meta.url))

/** The Node that installs and runs the packages; the tests themselves run on their own. */
const node = process.env.HELIOGRAPH_NODE ?? process.execPath

export const environment = {
  PATH: [dirname(node), process.env.PATH].join(delimiter),
  HOME: process.env.HOME,
  npm_config_cache: process.env.npm_config_cache,
  npm_config_registry: process.env.npm_config_registry,
}

/** Packages in tarballs, and folders outside this repository into which they are installed. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'heliograph-packages-'))
  readonly #running: ChildProcess[] = []

  /** Packs by npm, which builds; returns the files by package. */
  async pack(names: readonly string[]): Promise<Map<string, string>> {
    const to = ['--pack-destination', this.folder]
    await npm(root, 'pack', ...to, ...names.flatMap((name) => ['-w', name]))
    const files = readdirSync(this.folder)
    return new Map(
      names.map((name) => {
        const start = `${name.replace('@', '').replace('/', '-')}-`
        const file = files.find(
          (each) => /^\d.*\.tgz$/.test(each.slice(start.length)) && each.startsWith(start),
        )
        if (!file) throw new Error(`npm packed no ${name}`)
        return [name, join(this.folder, file)]
      }),
    )
  }

  /** A folder with nothing in it. */
  empty(name: string): string {
    const folder = join(this.folder, name)
    mkdirSync(folder)
    return folder
  }

  /** An empty folder, but for a manifest that has `dependencies`, with a tarball installed. */
  async install(name: string, tarball: string, manifest: object): Promise<Place> {
    const folder = this.empty(name)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, ...manifest }))
    await npm(folder, 'install', '--omit=dev', '--prefer-offline', '--no-audit', tarball)
    return new Place(folder, this.#running)
  }

  end(): void {
    for (const child of this.#running) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A folder of somebody who has installed a package. */
export class Place {
  readonly folder: string
  readonly #running: ChildProcess[]

  constructor(folder: string, running: ChildProcess[]) {
    this.folder = folder
    this.#running = running
  }

  /** Checks a program against the package's types, those of its dependencies included, and compiles it. */
  compile(program: string): Promise<string> {
    return this.compileText(program, readFileSync(join(programs, `${program}.ts`), 'utf8'))
  }

  /** The same for one that is in no file yet. */
  async compileText(program: string, text: string): Promise<string> {
    writeFileSync(join(this.folder, `${program}.ts`), text)
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    }
    const config = join(this.folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({ compilerOptions, files: [`${program}.ts`] }))
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    await output(process.execPath, [compiler, '-p', config], this.folder)
    return join(this.folder, `${program}.js`)
  }

  /** What a script, with its arguments, prints. */
  run(args: readonly string[], variables: object = {}): Promise<string> {
    return output(node, args, this.folder, variables)
  }

  /** What the command of a package prints. */
  command(name: string, args: readonly string[], variables: object = {}): Promise<string> {
    return output(this.#bin(name), args, this.folder, variables)
  }

  /** Starts a script that goes on. */
  start(args: readonly string[], variables: object = {}): Running {
    return this.#start(node, args, variables)
  }

  /** Starts the command of a package. */
  serve(name: string, args: readonly string[]): Running {
    return this.#start(this.#bin(name), args)
  }

  #bin(name: string): string {
    return join(this.folder, 'node_modules', '.bin', name)
  }

  #start(program: string, args: readonly string[], variables: object = {}): Running {
    const env = { ...environment, ...variables }
    const child = spawn(program, args, { cwd: this.folder, env })
    this.#running.push(child)
    return new Running(child)
  }
}

/** A process at work. */
export class Running {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  #text = ''

  constructor(child: ChildProcess) {
    this.child = child
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#text += chunk.toString()
      })
    this.ended = new Promise((resolve) => child.once('close', resolve))
  }

  /** All that it has printed so far. */
  get text(): string {
    return this.#text
  }

  /** Waits until it has printed this, and gives the first group. */
  async prints(pattern: RegExp): Promise<string> {
    const over = this.ended.then(() => true)
    for (let isOver = false; ; ) {
      const found = pattern.exec(this.#text)
      if (found) return found[1] ?? found[0]
      // it may have printed this last of all
      if (isOver) throw new Error(`it ended after:\n${this.#text}`)
      const more = new Promise<boolean>((resolve) => setTimeout(resolve, 20, false))
      isOver = await Promise.race([more, over])
    }
  }
}

function npm(folder: string, ...args: string[]): Promise<string> {
  return output('npm', args, folder)
}

function output(
  program: string,
  args: readonly string[],
  cwd: string,
  variables: object = {},
): Promise<string> {
  const env = { ...environment, ...variables }
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { cwd, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`))
      else resolve(stdout)
    })
  })
}
