import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { behaviors, runBehavior } from '../../tools/conformance/behaviors.ts'
import {
  type Embedded,
  embeddedBehaviors,
  FaultSwitch,
  runEmbedded,
} from '../../tools/conformance/embedded-behaviors.ts'
import { Sessions, settingOf } from '../../tools/conformance/setting.ts'
import { startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

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
  it.each(behaviors)('$id: $title', async (behavior) => {
    const { setting, sessions } = embedded
    const result = await runBehavior(behavior, setting, sessions)
    expect(result.faults).toEqual([])
    expect(result.skipped).toBeUndefined()
  })
})

describe('with faults of the embedded cloud', () => {
  it.each(embeddedBehaviors)('$id: $title', async (behavior) => {
    const { faults: wrong, seen, id } = await runEmbedded(behavior, embedded)
    expect(wrong).toEqual([])
    if (id === 'order-1ms') console.info(seen)
  })
})
