import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type LocalFile, prepareDemo } from '../../bin/demo.ts'
import { startEmbedded } from '../../bin/embedded.ts'
import { MACHINE_STATE } from '../conformance/open-operator.ts'
import { Sessions, settingOf } from '../conformance/setting.ts'
import { describeFailure, type FuzzReport, fuzzInProcess } from './in-process.ts'
import { fuzzOverTheWire } from './over-the-wire.ts'

const usage = `npm run fuzz -- [--requests N] [--wire | --machine FILE] [--seed N]

Sends right, wrong and mangled requests: each must be answered as it deserves, none with 5xx, none
without apns-id. In this process, over ports in memory (1,000,000), and with --wire over HTTP/2 to
an embedded cloud of its own (50,000), or with --machine to the "heliograph serve --dev" whose
local.json is FILE. A failure prints the request and how to repeat it.`

/** What may remain in memory of a million requests: caches, not the requests. */
const MAX_GROWTH_MB = 16

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapMb(): number {
  collect()
  return process.memoryUsage().heapUsed / 1024 / 1024
}

interface Run {
  readonly seed: number
  readonly requests: number
}

async function inProcess({ seed, requests }: Run): Promise<FuzzReport> {
  // the first requests fill the caches
  let settled: number | undefined
  const report = await fuzzInProcess(seed, requests, (done) => {
    if (settled === undefined && done >= requests / 10) settled = heapMb()
    progress(done, requests)
  })
  const growth = settled === undefined ? 0 : heapMb() - settled
  console.log(`heap: ${growth.toFixed(1)} MB more at the end than after a tenth`)
  if (growth > MAX_GROWTH_MB) throw new Error(`memory grows: ${growth.toFixed(1)} MB`)
  return report
}

/** A running service, by its `local.json`: whose operator one is lies beside it. */
async function overTheWireOf({ seed, requests }: Run, path: string): Promise<FuzzReport> {
  const local = JSON.parse(readFileSync(path, 'utf8')) as LocalFile
  const environment = { [MACHINE_STATE]: dirname(path) }
  const setting = settingOf({ local, operator: { stage: '', environment } })
  const sessions = new Sessions(setting)
  try {
    return await fuzzOverTheWire(seed, requests, setting, sessions, (done) =>
      progress(done, requests),
    )
  } finally {
    sessions.close()
    await setting.close()
  }
}

async function overTheWire({ seed, requests }: Run): Promise<FuzzReport> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-fuzz-'))
  const cloud = await startEmbedded({ state })
  const local = await prepareDemo(cloud, state)
  const setting = settingOf({ local, operator: { stage: 'local', environment: cloud.environment } })
  const sessions = new Sessions(setting)
  try {
    return await fuzzOverTheWire(seed, requests, setting, sessions, (done) =>
      progress(done, requests),
    )
  } finally {
    sessions.close()
    await setting.close()
    await cloud.close()
    rmSync(state, { recursive: true, force: true })
  }
}

function progress(done: number, of: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} `)
}

function printReport({ requests, answers }: FuzzReport, seconds: number): void {
  const rows = [...answers].sort(([, a], [, b]) => b - a)
  for (const [name, count] of rows) console.log(`${String(count).padStart(9)}  ${name}`)
  console.log(`${requests} requests in ${seconds.toFixed(0)} s`)
}

const { values } = parseArgs({
  options: {
    requests: { type: 'string' },
    seed: { type: 'string' },
    wire: { type: 'boolean' },
    machine: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})
if (values.help) console.log(usage)
else {
  const run = {
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    requests: Number(values.requests ?? (values.wire || values.machine ? 50_000 : 1_000_000)),
  }
  console.log(`seed ${run.seed}`)
  const started = performance.now()
  const machine = values.machine
  const report = await (machine !== undefined
    ? overTheWireOf(run, machine)
    : values.wire
      ? overTheWire(run)
      : inProcess(run))
  printReport(report, (performance.now() - started) / 1000)
  if (report.failure) {
    console.error(describeFailure(report.failure))
    console.error(`again: npm run fuzz -- --seed ${run.seed}${values.wire ? ' --wire' : ''}`)
    process.exitCode = 1
  }
}
