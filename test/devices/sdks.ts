import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleNode } from '../../tools/device-conformance/node-driver.ts'
import { installWheel, pythonProject, wheelHindrance } from '../sdk/python-wheel.ts'

const clients = fileURLToPath(new URL('../../clients', import.meta.url))

/** Why an SDK cannot be built on this machine; completes "SKIPPED, as". */
export class NoSdk extends Error {}

/** An implementation of a device in this repository. */
export interface Sdk {
  readonly name: string
  /** Builds it, in the folder where it can; returns the command of its driver, or throws a NoSdk. */
  build(folder: string): Promise<string>
}

export const sdks: readonly Sdk[] = [
  { name: 'node', build: bundleNode },
  { name: 'python', build: async (folder) => pythonDriver(folder) },
  { name: 'java', build: async () => javaDriver() },
  { name: 'c', build: async (folder) => cDriver(folder) },
]

function pythonDriver(folder: string): string {
  const hindrance = wheelHindrance(folder)
  if (hindrance) throw new NoSdk(hindrance)
  return `exec "${installWheel(folder)}" "${join(pythonProject, 'conformance/driver.py')}" asyncio`
}

/** What Maven says where no registry answers. */
const UNREACHED =
  /Could not (transfer|resolve|find)|could not be resolved|was not found in|Cannot access|Unknown host|timed out/

function javaDriver(): string {
  need('mvn', '--version')
  const [, version = 0] = /^javac (\d+)/m.exec(need('javac', '-version').stdout) ?? []
  if (Number(version) < 11) throw new NoSdk('the JDK is no Java 11 or later')
  const project = join(clients, 'java')
  const { status, stdout } = spawn('mvn', ['-q', '-B', '-DskipTests', 'package'], project)
  if (status !== 0 && UNREACHED.test(stdout)) throw new NoSdk('Maven cannot get what it needs here')
  if (status !== 0) throw new Error(`mvn package failed:\n${stdout}`)
  return `exec "${join(project, 'conformance/driver.sh')}"`
}

function cDriver(folder: string): string {
  for (const tool of ['cmake', 'make', 'pkg-config', 'cc']) need(tool, '--version')
  for (const [library, name] of [
    ['libcjson', 'libcjson-dev'],
    ['openssl >= 3', 'libssl-dev with OpenSSL 3'],
  ] as const)
    if (spawn('pkg-config', ['--exists', library]).status !== 0)
      throw new NoSdk(`there is no ${name}`)
  const options = ['BUILD_TESTING=OFF', 'HELIOGRAPH_CONFORMANCE=ON'].map((one) => `-D${one}`)
  const to = join(folder, 'build')
  mustRun('cmake', ['-B', to, '-S', join(clients, 'c'), ...options])
  mustRun('cmake', ['--build', to, '-j', '2'])
  return `exec "${join(to, 'conformance-driver')}"`
}

/** A folder for each, as they are built side by side with nothing. */
export async function buildSdk(sdk: Sdk, folder: string): Promise<string> {
  const own = join(folder, sdk.name)
  mkdirSync(own)
  return sdk.build(own)
}

function spawn(file: string, args: readonly string[], cwd?: string): SpawnSyncReturns<string> {
  return spawnSync(file, args, { encoding: 'utf8', ...(cwd && { cwd }) })
}

function need(file: string, version: string): SpawnSyncReturns<string> {
  const asked = spawn(file, [version])
  if (asked.status !== 0) throw new NoSdk(`there is no ${file}`)
  return asked
}

function mustRun(file: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawn(file, args)
  if (status !== 0) throw new Error(`${file} failed:\n${stdout}${stderr}`)
}
