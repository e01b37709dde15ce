import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type LocalFile, prepareDemo } from '../../bin/demo.ts'
import { type OperatorFile, startEmbedded } from '../../bin/embedded.ts'
import { OPERATOR_SOCKET } from '../../packages/machine/src/state-files.ts'
import { behaviors, runBehavior } from './behaviors.ts'
import { givenCases } from './case.ts'
import { type Embedded, embeddedBehaviors, FaultSwitch, runEmbedded } from './embedded-behaviors.ts'
import { moreCases } from './more-cases/index.ts'
import { MACHINE_STATE } from './open-operator.ts'
import { isRunnable, type Result, runCase } from './run-case.ts'
import { Sessions, type Setting, settingOf, settingOfProvider } from './setting.ts'
import { resultTable } from './table.ts'

const usage = `npm run conformance -- [--target https://host:port] [credentials] [--given-only] [--failed]

Runs the cases of Apple's provider API against a deployment and prints: case, expected, seen.
Exit code: 0 all passed, 1 a case failed, 2 wrong arguments. Without --target it starts an
embedded cloud of its own and also breaks things behind the edge.

  --local-json FILE   where a running "npm start" says how to reach it (default for --target:
                      none); with operator.json beside it every case can be arranged
  --cert --key FILE   a provider certificate with the topic and all its suffixed forms, PEM
  --ca FILE           the CA of the server's certificate, where it is no public one
  --topic TOPIC       default com.example.app
  --token HEX         a live device token for the topic; without one, cases that need it are skipped
  --given-only        only the cases of cases.json
  --failed            print only what failed or was skipped

Examples:
  npm run conformance
  npm run conformance -- --target https://localhost:2197 --local-json .heliograph/local.json
  npm run conformance -- --target https://push.example.com --cert app.pem --key app.key --token 5f3a…`

class UsageError extends Error {}

interface Options {
  readonly target?: string
  readonly 'local-json'?: string
  readonly cert?: string
  readonly key?: string
  readonly ca?: string
  readonly topic?: string
  readonly token?: string
  readonly 'given-only'?: boolean
  readonly failed?: boolean
  readonly help?: boolean
}

function readOptions(args: string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args,
      options: {
        ...{ target: text, 'local-json': text, cert: text, key: text, ca: text, topic: text },
        ...{ token: text, 'given-only': flag, failed: flag, help: { ...flag, short: 'h' } },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** A target that is ready, and how to leave it as it was. */
interface Ready {
  readonly setting: Setting
  readonly embedded?: Omit<Embedded, 'sessions' | 'setting'>
  close(): Promise<void>
}

async function prepare(options: Options): Promise<Ready> {
  if (options.target === undefined && options['local-json'] === undefined) return startOwn()
  const setting = options['local-json']
    ? settingOfLocal(options['local-json'], options.target)
    : settingOfCredentials(options)
  return { setting, close: async () => {} }
}

function settingOfLocal(path: string, target: string | undefined): Setting {
  const local = readJson<LocalFile>(path)
  const folder = dirname(path)
  const operatorPath = join(folder, 'operator.json')
  const machine = { stage: '', environment: { [MACHINE_STATE]: folder } }
  const provider = target ? { ...local.provider, url: target } : local.provider
  return settingOf({
    local: { ...local, provider },
    ...(existsSync(operatorPath) && { operator: readJson<OperatorFile>(operatorPath) }),
    ...(existsSync(join(folder, OPERATOR_SOCKET)) && { operator: machine }),
  })
}

function readJson<T>(path: string): T {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    throw new UsageError(`${path} cannot be read: start the embedded cloud with npm start first`)
  }
}

function settingOfCredentials({ target, cert, key, ca, token, topic }: Options): Setting {
  if (!target || !cert || !key)
    throw new UsageError('name a provider certificate: --cert app.pem --key app.key')
  return settingOfProvider({
    ...{ url: target, cert, key, topic: topic ?? 'com.example.app' },
    ...(ca && { ca }),
    ...(token && { token }),
  })
}

async function startOwn(): Promise<Ready> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-conformance-'))
  const faults = new FaultSwitch()
  const cloud = await startEmbedded({ state, beforeService: faults.beforeService })
  const local = await prepareDemo(cloud, state)
  const operator = { stage: 'local', environment: cloud.environment }
  return {
    setting: settingOf({ local, operator }),
    embedded: { local, cloud, faults },
    async close() {
      await cloud.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
}

async function runAll(ready: Ready, options: Options): Promise<Result[]> {
  const { setting, embedded } = ready
  const sessions = new Sessions(setting)
  const results: Result[] = []
  const cases = options['given-only'] ? givenCases : [...givenCases, ...moreCases]
  try {
    for (const one of cases.filter(isRunnable)) results.push(await runCase(one, setting, sessions))
    for (const one of behaviors) results.push(await runBehavior(one, setting, sessions))
    if (embedded)
      for (const one of embeddedBehaviors)
        results.push(await runEmbedded(one, { ...embedded, setting, sessions }))
    return results
  } finally {
    sessions.close()
  }
}

async function main(options: Options): Promise<number> {
  const ready = await prepare(options)
  try {
    const results = await runAll(ready, options)
    const { text, failed } = resultTable(results, options.failed ?? false)
    console.log(text)
    return failed > 0 ? 1 : 0
  } finally {
    await ready.setting.close()
    await ready.close()
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) console.log(usage)
  process.exitCode = options.help ? 0 : await main(options)
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error)
  process.exitCode = 2
}
