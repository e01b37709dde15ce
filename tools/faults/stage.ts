import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalFile, prepareDemo } from '../../bin/demo.ts'
import { synthesize } from '../../bin/embedded.ts'
import { type Cloud, startCloud } from '../../packages/embedded-cloud/src/cloud.ts'
import { type CloudTuning, defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import type { BeforeService } from '../../packages/embedded-cloud/src/endpoint.ts'
import { OUTCOMES } from './injector.ts'

/** An embedded cloud in this process with the local stage on it. */
export interface Stage {
  readonly cloud: Cloud
  readonly local: LocalFile
  readonly state: string
  close(): Promise<void>
}

export interface StageOptions {
  readonly beforeService?: BeforeService
  readonly log: (part: string, line: string) => void
  /** Brings back six times sooner what a fault has delayed; see `hastened`. */
  readonly hasten?: boolean
  readonly tuning?: Partial<CloudTuning>
}

/**
 * The waits that only a fault brings about, a sixth of what they are on AWS: otherwise every lost batch
 * (two minutes) and every failed event (one and two minutes) would outlast the test.
 */
const hastened = { visibilitySeconds: 20, asyncRetryDelaysMs: [10_000, 20_000] } as const

export async function startStage(options: StageOptions): Promise<Stage> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-faults-'))
  const assembly = join(state, 'cdk.out')
  await synthesize(assembly)
  if (options.hasten) shortenVisibility(assembly, hastened.visibilitySeconds)
  const { asyncRetryDelaysMs } = options.hasten ? hastened : defaultTuning
  const cloud = await startCloud({
    assembly,
    state,
    log: options.log,
    tuning: { asyncRetryDelaysMs, ...options.tuning },
    ...(options.beforeService && { beforeService: options.beforeService }),
  })
  return {
    cloud,
    state,
    local: await prepareDemo(cloud, state),
    async close() {
      await cloud.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
}

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Record<string, unknown> }>
  >
}

function shortenVisibility(assembly: string, seconds: number): void {
  for (const name of readdirSync(assembly)) {
    if (!name.endsWith('.template.json')) continue
    const file = join(assembly, name)
    const template = JSON.parse(readFileSync(file, 'utf8')) as Template
    // what only keeps receipts may take its time
    const resources = Object.entries(template.Resources).filter(([id]) => !id.startsWith(OUTCOMES))
    for (const [, { Type, Properties }] of resources)
      if (Type === 'AWS::SQS::Queue' && Properties?.VisibilityTimeout !== undefined)
        Properties.VisibilityTimeout = seconds
    writeFileSync(file, JSON.stringify(template))
  }
}
