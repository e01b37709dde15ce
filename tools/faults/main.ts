import { parseArgs } from 'node:util'
import type { Report } from './report.ts'
import { burst } from './scenarios/burst.ts'
import { killedWorkers } from './scenarios/kills.ts'
import { reconnectAll } from './scenarios/reconnect.ts'
import { faultyServices } from './scenarios/services.ts'
import { killedProcess } from './scenarios/sigkill.ts'

const usage = `npm run faults -- [scenario …] [--seed N] [--phase TEXT]

  services   DynamoDB, SQS, SNS, KMS and IoT slow, throttling, failing and losing answers, under load
  kills      threads of the functions end in the middle of their work, under load
  sigkill    the whole of npm start is killed under load and starts again on the same state
  reconnect  500 devices return to ten notifications each
  burst      300 at once to one connected device
  flood      far more to one connected device than its connection may receive

Without a scenario all of them run, in about ten minutes; --seed repeats a
run's choices, --phase runs only those parts of services that have the text in their name.`

interface Options {
  readonly seed: number
  readonly phase: string
  say(line: string): void
}

const scenarios: Readonly<Record<string, (options: Options) => Promise<Report>>> = {
  services: (options) => faultyServices({ ...options, devices: 100, phaseMs: 6_000 }),
  kills: (options) => killedWorkers({ ...options, devices: 100, kills: 60 }),
  sigkill: (options) => killedProcess({ ...options, devices: 30, kills: 4 }),
  reconnect: (options) => reconnectAll({ ...options, devices: 500, rounds: 10 }),
  burst: (options) => burst({ ...options, sends: 300, perSecond: 100 }),
  // in proportion as 10,000 at the 100 a second of IoT Core
  flood: (options) => burst({ ...options, sends: 500, perSecond: 5 }),
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      phase: { type: 'string', default: '' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(usage)
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const chosen = positionals.length > 0 ? positionals : Object.keys(scenarios)
  for (const name of chosen) await run(name, seed, values.phase)
}

async function run(name: string, seed: number, phase: string): Promise<void> {
  const scenario = scenarios[name]
  if (!scenario || !Number.isInteger(seed)) throw new Error(usage)
  const say = (line: string) =>
    console.error(`${new Date().toISOString().slice(11, 19)} ${name}: ${line}`)
  const started = performance.now()
  const report = await scenario({ seed, phase, say })
  print(report, (performance.now() - started) / 1000)
  if (report.violations.length > 0) process.exitCode = 1
}

/** More violations than this tell nothing new. */
const MOST_PRINTED = 40

function print({ scenario, figures, violations }: Report, seconds: number): void {
  console.log(`\n${scenario}`)
  for (const [name, value] of Object.entries(figures)) console.log(`  ${name}: ${value}`)
  for (const violation of violations.slice(0, MOST_PRINTED)) console.log(`  VIOLATION ${violation}`)
  const verdict = violations.length === 0 ? 'no violation' : `${violations.length} violations`
  console.log(`  ${verdict}, ${seconds.toFixed(0)} s`)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
