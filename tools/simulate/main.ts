import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runSeeds, type Summary } from './fleet.ts'
import type { RunReport } from './run.ts'

const usage = `npm run simulate -- [options]
  --seeds A..B          run these seeds (default 1..10000)
  --seed N              run one seed and print what happened in it
  --notifications N     notifications accepted per seed (default 100)
  --workers N           threads (default: one per core)`

interface Options {
  readonly first: number
  readonly last: number
  readonly notifications: number
  readonly workers: number
  readonly isReplay: boolean
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1..10000' },
      notifications: { type: 'string', default: '100' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  })
  const [first, last] = (values.seed ?? values.seeds).split('..').map(Number)
  const notifications = Number(values.notifications)
  const workers = values.seed === undefined ? Number(values.workers) : 1
  const options = { first, last: last ?? first, notifications, workers }
  if (Object.values(options).some((value) => !Number.isSafeInteger(value) || Number(value) < 1))
    throw new Error(`the options must be whole numbers from 1 on\n${usage}`)
  return { ...(options as Omit<Options, 'isReplay'>), isReplay: values.seed !== undefined }
}

function printProgress(options: Options): (report: RunReport) => void {
  const total = options.last - options.first + 1
  const startedAt = performance.now()
  let done = 0
  return ({ seed, violations }) => {
    done += 1
    const [first] = violations
    if (first) console.log(`seed ${seed}: ${first.invariant} ${first.text}`)
    if (done % 1_000 !== 0 && done !== total) return
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
    console.log(`${done} of ${total} seeds in ${seconds} s`)
  }
}

function printSummary({ seeds, accepted, counts, failed }: Summary, options: Options): void {
  const width = Math.max(...Object.keys(counts).map((what) => what.length))
  for (const [what, count] of Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`  ${what.padEnd(width)}  ${count}`)
  console.log(`${accepted} notifications over ${seeds} seeds, ${failed.length} seeds in violation`)
  const [first] = failed
  if (!first) return
  const same = options.notifications === 100 ? '' : ` --notifications ${options.notifications}`
  console.log(`replay the first with: npm run simulate -- --seed ${first.seed}${same}`)
}

const options = readOptions()
const onReport = options.isReplay
  ? ({ trace }: RunReport) => console.log(trace.join('\n'))
  : printProgress(options)
const summary = await runSeeds({ ...options, traced: options.isReplay, onReport })
printSummary(summary, options)
process.exitCode = summary.failed.length === 0 ? 0 : 1
