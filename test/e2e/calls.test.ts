import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import { readyDevice, request, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

let target: Target
const calls: string[] = []

beforeAll(async () => {
  target = await startTarget({
    // each execution environment has caches of its own
    tuning: { ...defaultTuning, maxEnvironments: 1 },
    beforeService: ({ service, action, request: { caller } }) => {
      const who = /(\w+)Role\w*-\w+$/.exec(caller.name)?.[1] ?? caller.name
      calls.push(`${who}: ${service} ${action.replace(/\/connections\/.*/, '/connections/…')}`)
      return undefined
    },
  })
})

afterAll(() => target?.close())

/** A look at a table on the way to the device: a cache was empty, or what it held had grown too old. */
const fillsCache = (call: string) => /^(Accept|Deliver): dynamodb/.test(call)

it('an online notification costs one queue call and one direct message, and then its receipt and its event', async () => {
  const { device, received, token } = await readyDevice(target)
  const callsOfOne = async () => {
    calls.length = 0
    const before = received.length
    await request(target, { token })
    await until(() => received.length > before || undefined)
    // with its outcome handed on and kept
    await until(() => calls.includes('Record: dynamodb PutItem') || undefined)
    await until(() => calls.includes('Announce: sns PublishBatch') || undefined)
    return [...calls]
  }
  // the first fills the caches: provider, token key ring, registration; on a busy machine they grow old again
  await callsOfOne()
  const seen = await until(async () => {
    const one = await callsOfOne()
    return one.some(fillsCache) ? undefined : one
  })
  expect(seen.slice(0, 2)).toEqual([
    'Accept: sqs SendMessage',
    'Deliver: iotdata POST /connections/…',
  ])
  // the receipt and the event come after the device has it
  const handed = ['Deliver: sqs SendMessage', 'Deliver: sqs SendMessage']
  const after = ['Announce: sns PublishBatch', 'Record: dynamodb PutItem']
  expect(seen.slice(2).sort()).toEqual([...after, ...handed].sort())
  await device.close()
})
