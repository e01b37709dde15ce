import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepareDemo, readyCanary } from '../../bin/demo.ts'
import { startEmbedded } from '../../bin/embedded.ts'
import { embedded, filtered } from '../../packages/embedded-cloud/src/metrics/metric-filter.ts'
import { readOperations } from './body.ts'
import { Metrics } from './metrics.ts'
import { picture } from './picture.ts'
import { livelyRun, POINT_SECONDS, RUN_SECONDS } from './run.ts'

/** After how many points the canary is sent to again. */
const CANARY_POINTS = 5

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

const target = fileURLToPath(new URL('../../docs/images/dashboard.svg', import.meta.url))

/** A line of a function's log, with the time at which it came. */
interface Heard {
  readonly name: string
  readonly text: string
  readonly time: number
}

async function main(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-dashboard-'))
  const heard: Heard[] = []
  const log = (name: string, text: string) => heard.push({ name, text, time: Date.now() })
  // a run of the canary is more work than a point has room for
  const tuning = { scheduleMinuteMs: CANARY_POINTS * POINT_SECONDS * 1000 }
  const cloud = await startEmbedded({ state, log, tuning })
  try {
    const operations = readOperations(join(state, 'cdk.out'), cloud.stackOutputs())
    const metrics = new Metrics()
    const local = await prepareDemo(cloud, state)
    await readyCanary(cloud)
    console.log(`${RUN_SECONDS} seconds of traffic on an embedded cloud`)
    const start = await livelyRun({ cloud, local, state, metrics })
    const logs = new Map<string, Record<string, unknown>[]>()
    for (const { name, text, time } of heard) {
      const group = `/aws/lambda/${name}`
      for (const each of [
        ...filtered(operations.filters, group, text, time),
        ...embedded(text, time),
      ])
        metrics.add(each)
      if (text.startsWith('{')) logs.set(group, [...(logs.get(group) ?? []), JSON.parse(text)])
    }
    const span = { start, pointMs: POINT_SECONDS * 1000, points: RUN_SECONDS / POINT_SECONDS }
    const svg = picture(operations, { metrics, span, logs }, captions)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, svg)
    console.log(`written: ${target}`)
  } finally {
    await cloud.close()
    rmSync(state, { recursive: true, force: true })
  }
}

const captions = {
  title: 'CloudWatch dashboard heliograph-local-service',
  note: `Drawn by npm run dashboard from the synthesized stack and a run of ${RUN_SECONDS} s on the embedded cloud. Each point is ${POINT_SECONDS} s of the run, in place of a minute. What only AWS can measure is left out.`,
}

await main()
process.exit(0)
