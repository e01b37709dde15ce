import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Topic } from '@heliograph/protocol/identifiers'
import { registerOffline } from '../../bench/registered.ts'
import type { LocalFile, ProviderTokenFile } from '../../bin/demo.ts'
import type { AwsDeployment } from '../../packages/operator/src/aws-stage.ts'
import { draftPrivate } from '../../packages/operator/src/files.ts'
import { createProviderKey } from '../../packages/operator/src/operations/provider-keys.ts'
import { start } from '../../tools/emulators/process.ts'
import { type Client, type Order, readSent } from './clients.ts'
import {
  author,
  checkoutCommand,
  ownSuite,
  type SuiteOrder,
  suiteCommand,
  suiteEnvironment,
} from './own-suite.ts'
import { install, NoClient } from './tools.ts'

/** The cloud that the clients send to, and the folders of this run. */
export interface Setting {
  readonly local: LocalFile
  readonly deployment: AwsDeployment
  /** Where clients are kept. */
  readonly cache: string
  /** Gone after the run. */
  readonly work: string
}

/** Has a client send to as many devices as asked, all at once; every answer must be 200. */
export async function sendMany(setting: Setting, client: Client, count: number): Promise<string> {
  const folder = await install(client, setting.cache, quiet)
  const order = await orderOf(setting, count)
  const lines = await outputOf(client.send(folder, order), folder, {
    ...client.environment?.(folder, order),
  })
  const { answers, milliseconds } = readSent(lines)
  const seen = Object.entries(answers)
    .map(([answer, times]) => `${times} × ${answer}`)
    .join(', ')
  if (answers['200'] !== count) throw new Error(`${seen} in ${milliseconds} ms`)
  return `${seen} in ${milliseconds} ms`
}

async function orderOf({ local, deployment }: Setting, count: number): Promise<Order> {
  const { url, ca, key, keyId, teamId } = tokenEdge(local)
  const topic = local.provider.topic as Topic
  const { hostname, port } = new URL(url)
  return {
    ...{ host: hostname, port: Number(port), ca, key, keyId, teamId, topic },
    tokens: await registerOffline(deployment, topic, count),
  }
}

function tokenEdge({ providerToken }: LocalFile): ProviderTokenFile {
  if (providerToken) return providerToken
  throw new Error('the stage has no edge for provider tokens')
}

/** Runs the suite of the npm package, as it came from the registry. */
export async function sendOwnSuite(setting: Setting): Promise<string> {
  const folder = await install(ownSuite, setting.cache, quiet)
  const environment = suiteEnvironment(folder, await suiteOrder(setting))
  return `${summary(await outputOf(suiteCommand, folder, environment))}, two left out that ask www.google.com`
}

/** Runs the suite of a checkout of the package's repository. */
export async function sendWithin(setting: Setting, checkout: string): Promise<string> {
  if (!existsSync(join(checkout, 'node_modules')))
    throw new NoClient(`${checkout} has no node_modules: run npm install in it first`)
  const folder = await install(ownSuite, setting.cache, quiet)
  const environment = suiteEnvironment(folder, await suiteOrder(setting))
  return summary(await outputOf(checkoutCommand, checkout, environment))
}

/** The lines in which a test runner counts. */
function summary(lines: readonly string[]): string {
  return lines
    .map((line) => line.trim())
    .filter((line) => /^\d+ (passing|failing)|^Tests {2}/.test(line))
    .join(', ')
}

/** The stage has the author's key after the first suite. */
async function suiteOrder({ local, deployment, work }: Setting): Promise<SuiteOrder> {
  const { url, ca } = tokenEdge(local)
  const { topic, ...identity } = author
  const key = join(work, `AuthKey_${identity.keyId}.p8`)
  if (!existsSync(key))
    await createProviderKey(deployment, { ...identity, topics: [topic] }, (p8) =>
      draftPrivate(key, p8, false),
    )
  const [token] = await registerOffline(deployment, topic, 1)
  if (!token) throw new Error('no device was registered')
  return { port: Number(new URL(url).port), ca, key, token }
}

const quiet = () => {}

/** No client takes longer, on any machine that is worth a trial. */
const LIMIT_MS = 300_000

/** The lines that a command prints; throws with the last of them where it fails. */
async function outputOf(
  [file = '', ...args]: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): Promise<string[]> {
  const lines: string[] = []
  const running = start({
    ...{ file, args, cwd, env: { ...process.env, ...environment } },
    onLine: (line) => void lines.push(line),
  })
  const limit = setTimeout(() => void running.stop(), LIMIT_MS)
  const end = await running.ended
  clearTimeout(limit)
  if (end === 'it ended with exit code 0') return lines
  throw new Error(`${end}\n${lines.slice(-30).join('\n')}`)
}
