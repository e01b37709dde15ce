import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Cleanup } from '../../packages/embedded-cloud/src/cleanup.ts'
import { CloudStartError } from '../../packages/embedded-cloud/src/cloud-start-error.ts'
import type { Log } from '../../packages/embedded-cloud/src/types.ts'
import { type Emulator, TargetError } from './emulator.ts'
import { findEmulator } from './find-emulator.ts'
import { filesLeftOut } from './skips.ts'
import { runSuite } from './suite.ts'
import { openTarget } from './target.ts'

const usage = `npm run test:localstack -- [--port N] [--serve] [test file …]

  --port N   where the emulator is or will be (default 4566)
  --serve    deploy and wait for Ctrl-C instead of running the tests; prints the variables to use

Uses the emulator that is there; else starts LocalStack by Docker when LOCALSTACK_AUTH_TOKEN is set;
else starts MiniStack from PyPI, kept under .heliograph/localstack.`

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Options {
  readonly port: number
  readonly serve: boolean
  readonly files: readonly string[]
}

function readOptions(args: string[]): Options | undefined {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TargetError('--port takes a port number')
  return { port, serve: values.serve, files: positionals }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        port: { type: 'string', default: '4566' },
        serve: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new TargetError(`${(error as Error).message}\n\n${usage}`)
  }
}

async function main(options: Options): Promise<number> {
  const started = performance.now()
  const progress = (line: string) =>
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}`)
  const folder = join(root, '.heliograph', 'localstack')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const log = logTo(join(folder, 'target.log'))
  const cleanup = new Cleanup(log)
  const ending = endOnSignal()
  try {
    const emulator = await findEmulator({ port: options.port, folder, log }, process.env)
    cleanup.add(() => emulator.stop())
    progress(`${emulator.name} at ${emulator.url}`)
    const work = { ...options, folder, log, progress, cleanup, abort: ending.signal }
    return await Promise.race([workWith(emulator, work), death(emulator, ending)])
  } finally {
    await cleanup.run()
  }
}

/** Ctrl-C ends what runs and lets everything be cleaned up. */
function endOnSignal(): AbortController {
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
  return ending
}

/** Lines for finding out why; the terminal shows only the steps and the tests. */
function logTo(file: string): Log {
  const stream = createWriteStream(file, { flags: 'w', mode: 0o600 })
  return (part, line) => stream.write(`${new Date().toISOString()} ${part}: ${line}\n`)
}

type Work = Options & Omit<Parameters<typeof openTarget>[0], 'emulator'>

async function workWith(emulator: Emulator, work: Work): Promise<number> {
  const { folder, abort, progress } = work
  const target = await openTarget({ ...work, emulator, folder: join(folder, 'run') })
  const file = join(folder, 'run', 'target.json')
  writeFileSync(file, JSON.stringify(target, null, 2), { mode: 0o600 })
  if (work.serve) {
    for (const [name, value] of Object.entries(target.environment))
      console.log(`export ${name}=${value}`)
    progress(`serving until Ctrl-C; ${file} tells every address`)
    await new Promise((done) => abort.addEventListener('abort', done))
    return 0
  }
  const passed = await runSuite({
    config: join('test', 'localstack', 'vitest.config.ts'),
    leftOut: filesLeftOut,
    files: work.files,
    environment: { TARGET: 'localstack', HELIOGRAPH_TARGET_FILE: file },
    abort,
  })
  progress(passed ? 'the suite passed' : 'the suite failed')
  return passed ? 0 : 1
}

/** The emulator's end is the run's end, with what it said last. */
async function death(emulator: Emulator, ending: AbortController): Promise<number> {
  const reason = await emulator.death
  ending.abort()
  console.error(`\n${emulator.name} is gone in mid-run: ${reason}. Its last lines:`)
  for (const line of emulator.lastLines()) console.error(`  ${line}`)
  return 1
}

async function command(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2))
    if (options) return await main(options)
    console.log(usage)
    return 0
  } catch (error) {
    const isSentence = error instanceof TargetError || error instanceof CloudStartError
    console.error(isSentence ? error.message : error)
    return 1
  }
}

// the AWS SDK would warn at every start; package.json says which Node.js this needs
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
process.exit(await command())
