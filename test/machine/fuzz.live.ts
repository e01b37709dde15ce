import { afterAll, beforeAll, expect, test } from 'vitest'
import { Sessions, type Setting, settingOf } from '../../tools/conformance/setting.ts'
import { describeFailure } from '../../tools/fuzz/in-process.ts'
import { fuzzOverTheWire } from '../../tools/fuzz/over-the-wire.ts'
import { startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

/** `npm run fuzz -- --machine FILE` for more of them, against a process of its own. */
const REQUESTS = 3_000
const SEED = 20_261

let target: Target
let setting: Setting
let sessions: Sessions

beforeAll(async () => {
  target = await startTarget()
  const { environment } = target.cloud
  setting = settingOf({ local: target.local, operator: { stage: target.stage, environment } })
  sessions = new Sessions(setting)
})

afterAll(async () => {
  sessions?.close()
  await setting?.close()
  await target?.close()
})

test(`${REQUESTS} right, wrong and mangled requests are answered as each deserves`, async () => {
  const { failure, requests, answers } = await fuzzOverTheWire(SEED, REQUESTS, setting, sessions)
  expect(failure && describeFailure(failure)).toBeUndefined()
  expect(requests).toBe(REQUESTS)
  expect(answers.size).toBeGreaterThan(10)
})
