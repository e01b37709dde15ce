import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../tools/emulators/process.ts'

/** Why a client cannot be had on this machine; completes "SKIPPED, as". */
export class NoClient extends Error {}

/** How a client comes from its registry to a folder outside the repository, ready to run. */
export interface Recipe {
  /** The folder's name, with every version that is in it. */
  readonly name: string
  /** What must be installed here: the program, and what makes it say its version. */
  readonly needs: readonly (readonly [string, string])[]
  /** Files of `programs/` that lie in the folder. */
  readonly programs: readonly string[]
  install(folder: string, step: Step): Promise<void>
}

/** Runs one command in the folder; `what` completes "cannot …". */
export type Step = (what: string, file: string, ...args: readonly string[]) => Promise<void>

/** Installs once per machine, and returns the folder. */
export async function install(
  { name, needs, programs, install: installIn }: Recipe,
  cache: string,
  onLine: (line: string) => void,
): Promise<string> {
  for (const [program, version] of needs)
    if (spawnSync(program, [version]).status !== 0)
      throw new NoClient(`${program} is not installed here`)
  const folder = join(cache, name)
  const mark = join(folder, 'complete')
  if (!existsSync(mark)) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    await installIn(folder, (what, file, ...args) =>
      run(what, { file, args, cwd: folder, env: process.env, onLine }),
    )
    writeFileSync(mark, '')
  }
  for (const program of programs)
    copyFileSync(
      fileURLToPath(new URL(`programs/${program}`, import.meta.url)),
      join(folder, program),
    )
  return folder
}

/** Packages of the npm registry, side by side. */
export function npmPackages(...packages: readonly string[]): Recipe['install'] {
  return (folder, step) => {
    writeFileSync(join(folder, 'package.json'), '{"private":true}')
    const args = ['install', '--save-exact', '--no-audit', '--no-fund', '--loglevel=error']
    return step(`install ${packages.join(', ')} from the npm registry`, 'npm', ...args, ...packages)
  }
}

/** A module of Go's module proxy, with what it needs. */
export function goModule(path: string, version: string): Recipe['install'] {
  return async (folder, step) => {
    writeFileSync(
      join(folder, 'go.mod'),
      `module clients\n\ngo 1.22\n\nrequire ${path} ${version}\n`,
    )
    const what = `download ${path} from Go's module proxy`
    await step(what, 'go', 'mod', 'download', `${path}@${version}`)
  }
}

/** An artifact of Maven Central, with what it needs, in `lib/`. */
export function mavenArtifact(group: string, artifact: string, version: string): Recipe['install'] {
  return (folder, step) => {
    const of = (groupId: string, artifactId: string, v: string) =>
      `<groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${v}</version>`
    const dependency = `<dependency>${of(group, artifact, version)}</dependency>`
    writeFileSync(
      join(folder, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>${of('clients', 'clients', '1')}<dependencies>${dependency}</dependencies></project>`,
    )
    const copy = ['dependency:copy-dependencies', '-DoutputDirectory=lib']
    return step(`download ${artifact} from Maven Central`, 'mvn', '-q', '-B', ...copy)
  }
}

/** A package of PyPI, in a virtual environment. */
export function pythonPackage(requirement: string): Recipe['install'] {
  return async (folder, step) => {
    await step('make a Python environment', python, '-m', 'venv', 'venv')
    const pip = join(folder, 'venv', 'bin', 'pip')
    await step(`install ${requirement} from PyPI`, pip, 'install', '--quiet', requirement)
  }
}

export const { PYTHON: python = 'python3' } = process.env
