import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Failure } from '../../packages/operator/src/failure.ts'
import { failureOf } from '../../packages/operator/src/fault.ts'
import { TargetError } from '../../tools/emulators/emulator.ts'
import { runSuite } from '../../tools/emulators/suite.ts'
import { type Answered, describeAnswer } from './ask.ts'
import { filesLeftOut } from './skips.ts'
import { prepareStage } from './stage.ts'

const usage = `npm run test:aws -- --stage NAME [--patience MINUTES] [--yes] [test file …]
npm run test:aws -- --embedded [--patience MINUTES]

Runs the end-to-end tests against a stage on AWS and asks it what only AWS can answer: each question is
printed with its answer. Credentials and region as for any AWS tool (AWS_PROFILE, AWS_REGION …). It issues a
provider certificate, which it revokes at the end, and activates some forty devices.

  --stage NAME        as in cdk deploy -c stage=NAME
  --yes               also on a stage that keeps its data
  --patience MINUTES  how long an answer may take (default 1): idle connections need 6, TTL 15
  --embedded          asks the questions of an embedded cloud, to try them

Exit code: 0 all tests passed and every question was answered, 1 not so, 2 wrong usage. An answer other than
expected is marked and fails nothing.`

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Options {
  readonly stage?: string
  readonly yes: boolean
  readonly patience: number
  readonly files: readonly string[]
}

class UsageError extends Error {}

function readOptions(args: string[]): Options | undefined {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  const patience = Number(values.patience)
  if (!(patience >= 0 && patience <= 60)) throw new UsageError('--patience takes minutes, 0 to 60')
  if ((values.stage === undefined) === !values.embedded)
    throw new UsageError(`say which stage: --stage NAME, or --embedded\n\n${usage}`)
  return {
    ...(values.stage && { stage: values.stage }),
    yes: values.yes,
    patience,
    files: positionals,
  }
}

function parse(args: string[]) {
  const flag = { type: 'boolean', default: false } as const
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...{ stage: { type: 'string' }, yes: flag, embedded: flag, help: { ...flag, short: 'h' } },
        patience: { type: 'string', default: '1' },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`)
  }
}

async function main(options: Options): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-aws-'))
  const answers = join(folder, 'answers.jsonl')
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
  const prepared = options.stage
    ? await prepareStage(options.stage, { folder, yes: options.yes })
    : undefined
  try {
    const passed = await runSuite({
      config: join('test', 'aws', 'vitest.config.ts'),
      leftOut: prepared ? filesLeftOut : {},
      files: options.files,
      environment: {
        HELIOGRAPH_ANSWERS: answers,
        HELIOGRAPH_PATIENCE: String(options.patience),
        ...(prepared
          ? { TARGET: 'aws', HELIOGRAPH_TARGET_FILE: prepared.targetFile }
          : { TARGET: 'embedded' }),
      },
      abort: ending.signal,
    })
    report(answers, options.stage ?? 'embedded')
    return passed ? 0 : 1
  } finally {
    await prepared?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Prints the answers, and keeps them where the next run's can be compared with them. */
function report(file: string, stage: string): void {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const answers = lines.filter(Boolean).map((line) => JSON.parse(line) as Answered)
  console.log(`\n${answers.map(describeAnswer).join('\n\n')}\n`)
  const kept = join(root, '.heliograph', 'aws')
  mkdirSync(kept, { recursive: true, mode: 0o700 })
  const path = join(kept, `${stage}.json`)
  writeFileSync(path, `${JSON.stringify({ stage, asked: new Date(), answers }, null, 2)}\n`)
  const other = answers.filter(({ asExpected }) => asExpected === false).length
  console.log(`${answers.length} answers, ${other} other than expected; kept in ${path}`)
}

async function command(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2))
    if (options) return await main(options)
    console.log(usage)
    return 0
  } catch (error) {
    const isSentence = [UsageError, TargetError, Failure].some((kind) => error instanceof kind)
    console.error(isSentence ? (error as Error).message : (failureOf(error)?.message ?? error))
    return error instanceof UsageError ? 2 : 1
  }
}

// the AWS SDK would say so at every start; package.json says which Node this needs
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
process.exit(await command())
