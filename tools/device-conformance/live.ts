import type { Rule, Scale } from './case.ts'
import { liveCases } from './cases/live.ts'
import { judged, type Result } from './run.ts'
import { LiveService } from './service/live-service.ts'
import { Runs } from './world.ts'

export interface LiveRun {
  readonly command: string
  readonly scale: Scale
  /** `local.json` of a service that runs; undefined: one is started. */
  readonly target: string | undefined
}

/** A case against a service of its own, or against the target. */
export async function runLive(rule: Rule, { command, scale, target }: LiveRun): Promise<Result> {
  const work = liveCases[rule.id]
  if (!work) throw new Error(`${rule.id} has no case`)
  const service = target === undefined ? await LiveService.start() : LiveService.of(target)
  const runs = new Runs(command)
  try {
    return await judged(rule, () => work({ service, runs }, scale), runs.drivers)
  } finally {
    await runs.end()
    await service.close()
  }
}
