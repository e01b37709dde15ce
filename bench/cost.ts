import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { synthesize } from '../bin/embedded.ts'
import { countScenarios, PAYLOAD_BYTES } from './cost/count.ts'
import type { Counted } from './cost/counted.ts'
import { amountsOf, type Facts, perMillion, total } from './cost/model.ts'
import { costPage, type Scenario, withoutAside } from './cost/page.ts'
import { round } from './figures.ts'
import { lastReport, type Row } from './report.ts'

const pageFile = fileURLToPath(new URL('../docs/cost.md', import.meta.url))

/**
 * Counts the calls of every scenario in a run, puts prices to them and writes `docs/cost.md`. The
 * processor time is that of the last `hot` run.
 */
export async function benchCost(say: (line: string) => void): Promise<Row[]> {
  const facts = await factsOf()
  const counted = await countScenarios(say)
  const scenarios = counted.map((one) => scenarioOf(one, facts))
  writeFileSync(pageFile, costPage(scenarios, facts))
  say(`wrote ${pageFile}`)
  return scenarios.map(rowOf)
}

function scenarioOf(counted: Counted, facts: Facts): Scenario {
  // nothing goes out to a device for what is refused or only stored
  const delivered = counted.scenario.startsWith('online') || counted.scenario.startsWith('drained')
  const amounts = amountsOf(counted, delivered ? facts : { ...facts, bytesOut: ANSWER_BYTES })
  return { counted, amounts, usd: perMillion(amounts) }
}

/** Status line and headers of an answer, with TLS and HTTP/2 around it. */
const ANSWER_BYTES = 250

async function factsOf(): Promise<Facts> {
  const memory = await memoryOf()
  const cpu = cpuOf('lean')
  return {
    accept: { memoryMegabytes: memory('accept'), cpuMs: cpu('accept') },
    deliver: { memoryMegabytes: memory('deliver'), cpuMs: cpu('deliver') },
    // not measured alone: a batch of 150 outcomes is parsed, packed and put
    record: { memoryMegabytes: memory('record'), cpuMs: 20 * cpu('deliver') },
    // not measured alone: a batch of ten events is parsed, packed and published
    announce: { memoryMegabytes: memory('announce'), cpuMs: 2 * cpu('deliver') },
    // not measured alone: about what deliver takes for its six calls
    connect: { memoryMegabytes: memory('connect'), cpuMs: 6 * cpu('deliver') },
    bytesOut: ANSWER_BYTES + PAYLOAD_BYTES + 400,
  }
}

/** Milliseconds of processor time per notification. */
function cpuOf(clients: string): (name: string) => number {
  const { rows } = lastReport('hot')
  return (name) => {
    const figure = rows.find(({ what }) => what === `${name}, ${clients}`)?.figures['CPU us']
    if (typeof figure !== 'object') throw new Error('the last result of hot is of another version')
    return figure.median / 1000
  }
}

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Record<string, unknown> }>
  >
}

/** What the stacks give a function. */
async function memoryOf(): Promise<(name: string) => number> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-cost-'))
  try {
    await synthesize(folder)
    const templates = ['Providers', 'Devices'].map(
      (part) =>
        JSON.parse(
          readFileSync(join(folder, `Heliographlocal${part}.template.json`), 'utf8'),
        ) as Template,
    )
    const functions = templates
      .flatMap(({ Resources }) => Object.values(Resources))
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    return (name) => {
      const found = functions.find(
        ({ Properties }) => Properties?.FunctionName === `heliograph-local-${name}`,
      )
      if (!found) throw new Error(`the stacks have no function ${name}`)
      return Number(found.Properties?.MemorySize ?? 128)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function rowOf({ counted, usd }: Scenario): Row {
  const calls = Object.values(counted.calls).reduce((sum, count) => sum + count, 0)
  return {
    what: counted.scenario,
    figures: {
      'USD per million': round(total(usd), 2),
      'USD without logs and transfer': round(withoutAside(usd), 2),
      'calls each': round(calls / counted.events, 2),
      'deliver batch': round(counted.events / Math.max(1, counted.invocations.deliver ?? 0), 1),
      'log bytes each': round(counted.logBytes / counted.events, 0),
    },
  }
}
