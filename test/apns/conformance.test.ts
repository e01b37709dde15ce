import { afterAll, describe, expect, it } from 'vitest'
import { givenCases } from '../../tools/conformance/case.ts'
import { moreCases } from '../../tools/conformance/more-cases/index.ts'
import { isRunnable, runCase } from '../../tools/conformance/run-case.ts'
import { Sessions, type Setting, settingOf } from '../../tools/conformance/setting.ts'
import { sharing } from '../e2e/shared-target.ts'
import type { Target } from '../e2e/target.ts'

let target: Target
let setting: Setting
let sessions: Sessions

sharing.beforeAll(async ({ target: shared }) => {
  target = shared
  const { local, cloud } = target
  setting = settingOf({ local, operator: { stage: 'local', environment: cloud.environment } })
  sessions = new Sessions(setting)
  // a target that cannot register a device fails here, once
  await setting.token('live', setting.topic)
})

afterAll(async () => {
  sessions?.close()
  await setting?.close()
})

describe.each([
  ['cases.json', givenCases],
  ['more cases', moreCases],
])('%s', (_name, cases) => {
  it.each(cases.filter(isRunnable))('$id: $title', async (one) => {
    const { faults, skipped } = await runCase(one, setting, sessions)
    expect({ faults, skipped }).toEqual({ faults: [], skipped: undefined })
  })
})

it('no case appears twice', () => {
  const ids = [...givenCases, ...moreCases].map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
})
