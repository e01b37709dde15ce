import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Rule, rules } from './case.ts'
import { runLive } from './live.ts'
import { bundleNode } from './node-driver.ts'
import { type Breaches, type Result, runScripted } from './run.ts'

const usage = `npm run conformance:device -- [--command "…"] [--full] [--long] [--only A1,N2]

Puts an implementation of a device under the rules of docs/device-conformance.md and prints what
became of each case. Exit code: 0 all passed, 1 a case failed, 2 wrong arguments.

  --command COMMAND   the driver of the implementation, run by a shell; default: that of @heliograph/device
  --full              also the cases that take up to a minute
  --long              also those that take minutes, and 200 kills
  --only IDS          only these cases, for example A1,N2, or groups, for example A,L
  --target FILE       local.json of a service that runs, for the live cases; default: one is started
  --jobs N            cases at a time; default 4
  --failed            print only what failed or was skipped

Examples:
  npm run conformance:device
  npm run conformance:device -- --command "python3 driver.py" --full`

class UsageError extends Error {}

function readOptions(args: string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args,
      options: {
        ...{ command: text, only: text, target: text, jobs: text },
        ...{ full: flag, long: flag, failed: flag, help: { ...flag, short: 'h' } },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

type Options = ReturnType<typeof readOptions>

/** These are judged by what all others saw. */
const everywhere = ['C2', 'S5'] as const

function chosen({ only, full, long }: Options): Rule[] {
  const wanted = only?.split(',')
  const isNamed = ({ id }: Rule) =>
    wanted?.some((name) => name === id || (/^[A-Z]$/.test(name) && id.startsWith(name))) ?? true
  const isInTime = ({ profile }: Rule) =>
    profile === 'quick' || long || (full && profile === 'full') || wanted !== undefined
  const found = rules.filter((rule) => isNamed(rule) && isInTime(rule))
  if (found.length === 0) throw new UsageError(`no case is called ${only}`)
  return found
}

/** Runs all, so many at a time, in their order. */
async function inTurn<Item, Value>(
  items: readonly Item[],
  jobs: number,
  work: (item: Item) => Promise<Value>,
): Promise<Value[]> {
  const values: Value[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      values[index] = await work(items[index] as Item)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return values
}

function show({ rule, outcome, why, seconds }: Result, onlyFailed: boolean): void {
  if (onlyFailed && outcome === 'passed') return
  const mark = outcome === 'passed' ? 'ok     ' : outcome === 'failed' ? 'FAILED ' : 'skipped'
  console.log(`${mark} ${rule.id.padEnd(4)} ${seconds.toFixed(1).padStart(5)} s  ${rule.rule}`)
  if (why) console.log(`        ${why}`)
}

/** What all other cases saw of a rule; nothing, where none has run. */
function overall(rule: Rule, breaches: Breaches, ran: number): Result {
  if (ran === 0) return { rule, outcome: 'skipped', why: 'no other case has run', seconds: 0 }
  const seen = breaches[rule.id as keyof Breaches]
  const outcome = seen.length === 0 ? 'passed' : 'failed'
  return { rule, outcome, why: seen.slice(0, 5).join('\n        '), seconds: 0 }
}

async function runAll(options: Options, command: string): Promise<Result[]> {
  const scale = { long: options.long ?? false }
  const breaches: Breaches = { C2: [], S5: [] }
  const isEverywhere = ({ id }: Rule) => (everywhere as readonly string[]).includes(id)
  const shown = (result: Result) => {
    show(result, options.failed ?? false)
    return result
  }
  const all = chosen(options)
  const live = { command, scale, target: options.target }
  const run = (rule: Rule) =>
    rule.service === 'live' ? runLive(rule, live) : runScripted(rule, command, scale, breaches)
  const own = all.filter((rule) => !isEverywhere(rule))
  const results = await inTurn(own, Number(options.jobs ?? 4), async (rule) =>
    shown(await run(rule)),
  )
  const ran = results.filter(({ rule }) => rule.service === 'scripted').length
  const last = all.filter(isEverywhere).map((rule) => shown(overall(rule, breaches, ran)))
  return [...results, ...last]
}

async function main(options: Options): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-driver-'))
  try {
    const start = Date.now()
    const results = await runAll(options, options.command ?? (await bundleNode(folder)))
    const count = (outcome: Result['outcome']) =>
      results.filter((result) => result.outcome === outcome).length
    const seconds = ((Date.now() - start) / 1_000).toFixed(0)
    console.log(
      `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped in ${seconds} s`,
    )
    return count('failed') > 0 ? 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
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
