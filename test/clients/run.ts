import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type ServiceProcess, startCloudProcess } from '../../bench/cloud-process.ts'
import { LOCAL_STAGE, type OperatorFile } from '../../bin/embedded.ts'
import { openDeployment } from '../../packages/operator/src/aws-deployment.ts'
import { clients } from './clients.ts'
import { NoClient } from './tools.ts'
import { type Setting, sendMany, sendOwnSuite, sendWithin } from './trial.ts'

const usage = `npm run test:clients -- [NAME…] [--count N] [--apns2-checkout DIR] [--port-base N] [--cache DIR]

Takes APNs clients from their registries, unmodified, and has each send many notifications at once to the
embedded cloud with a provider token: node-apn, apns2, sideshow, pushy, aioapns, and the test suite that the
npm package apns2 has of its own. Clients whose language is not installed here are skipped.

  NAME…                 only clients whose name begins so
  --count N             notifications of each client (default 1000), each to a device of its own
  --apns2-checkout DIR  a checkout of apns2's repository, its packages installed: runs its suite as well
  --port-base N         ports of the cloud (default 13200)
  --cache DIR           where the clients are kept (default ~/.cache/heliograph/clients)`

interface Options {
  readonly names: readonly string[]
  readonly count: number
  readonly portBase: number
  readonly cache: string
  readonly checkout?: string
}

class UsageError extends Error {}

function readOptions(args: string[]): Options | 'help' {
  const { values, positionals } = parsed(args)
  if (values.help) return 'help'
  const { XDG_CACHE_HOME: home = join(homedir(), '.cache') } = process.env
  return {
    names: positionals,
    count: wholeNumber(values.count, 1_000),
    portBase: wholeNumber(values['port-base'], 13_200),
    cache: resolve(values.cache ?? join(home, 'heliograph', 'clients')),
    ...(values['apns2-checkout'] && { checkout: resolve(values['apns2-checkout']) }),
  }
}

function parsed(args: string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...{ count: text, 'port-base': text, cache: text, 'apns2-checkout': text },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function wholeNumber(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${text} is no whole number above 0`)
  return value
}

/** One client's part of the run; says what it saw, and throws where it is not as it must be. */
interface Trial {
  readonly name: string
  run(setting: Setting): Promise<string>
}

function trialsOf({ count, checkout }: Options): Trial[] {
  return [
    ...clients.map((client) => ({
      name: client.name,
      run: (setting: Setting) => sendMany(setting, client, count),
    })),
    { name: 'apns2-suite-9.3.0', run: sendOwnSuite },
    ...(checkout
      ? [{ name: 'apns2-checkout', run: (setting: Setting) => sendWithin(setting, checkout) }]
      : []),
  ]
}

async function main(options: Options): Promise<number> {
  const { names } = options
  const trials = trialsOf(options).filter(
    ({ name }) => names.length === 0 || names.some((begin) => name.startsWith(begin)),
  )
  if (trials.length === 0) throw new UsageError(`no client's name begins with ${names.join(', ')}`)
  const cloud = await startCloudProcess(options.portBase)
  const work = mkdtempSync(join(tmpdir(), 'heliograph-clients-'))
  try {
    return await runAll(trials, cloud, { cache: options.cache, work })
  } finally {
    rmSync(work, { recursive: true, force: true })
    await cloud.stop()
  }
}

async function runAll(
  trials: readonly Trial[],
  { state, local }: ServiceProcess,
  folders: Pick<Setting, 'cache' | 'work'>,
): Promise<number> {
  const { environment } = JSON.parse(
    readFileSync(join(state, 'operator.json'), 'utf8'),
  ) as OperatorFile
  const deployment = await openDeployment({ stage: LOCAL_STAGE, environment })
  try {
    let failed = 0
    for (const trial of trials)
      if (!(await runOne(trial, { ...folders, local, deployment }))) failed += 1
    return failed
  } finally {
    await deployment.close()
  }
}

async function runOne({ name, run }: Trial, setting: Setting): Promise<boolean> {
  try {
    console.log(`${name}: ${await run(setting)}`)
    return true
  } catch (error) {
    const { message } = error as Error
    console.log(`${error instanceof NoClient ? 'SKIPPED' : 'FAILED'} ${name}: ${message}`)
    return error instanceof NoClient
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else process.exitCode = (await main(options)) === 0 ? 0 : 1
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error)
  process.exitCode = 2
}
