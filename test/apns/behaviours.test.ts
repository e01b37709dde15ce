import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTarget, type Target } from '../e2e/support.ts'
import { behaviours, runBehaviour } from './behaviours.ts'
import {
  type Embedded,
  embeddedBehaviours,
  FaultSwitch,
  runEmbedded,
} from './embedded-behaviours.ts'
import { Sessions, settingOf } from './setting.ts'

const faults = new FaultSwitch()
let target: Target
let embedded: Embedded

beforeAll(async () => {
  target = await startTarget({ beforeService: faults.beforeService })
  const { local, cloud } = target
  const setting = settingOf({ local, operator: { stage: 'local', environment: cloud.environment } })
  embedded = { local, cloud, setting, sessions: new Sessions(setting), faults }
  await setting.token('live', setting.topic)
})

afterAll(async () => {
  embedded?.sessions.close()
  await embedded?.setting.close()
  await target?.close()
})

describe('seen from outside', () => {
  it.each(behaviours)('$id: $title', { timeout: 40_000 }, async (behaviour) => {
    const { setting, sessions } = embedded
    const result = await runBehaviour(behaviour, setting, sessions)
    expect(result.faults).toEqual([])
    expect(result.skipped).toBeUndefined()
  })
})

describe('with faults of the embedded cloud', () => {
  it.each(embeddedBehaviours)('$id: $title', { timeout: 40_000 }, async (behaviour) => {
    const { faults: wrong, seen, id } = await runEmbedded(behaviour, embedded)
    expect(wrong).toEqual([])
    if (id === 'order-1ms') console.info(seen)
  })
})
