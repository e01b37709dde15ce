import { afterAll, beforeAll, expect, it } from 'vitest'
import { readyDevice, request, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

let target: Target
const calls: string[] = []

beforeAll(async () => {
  target = await startTarget({
    beforeService: ({ service, action, request: { caller } }) => {
      const who = /(\w+)Role\w*-\w+$/.exec(caller.name)?.[1] ?? caller.name
      calls.push(`${who}: ${service} ${action.replace(/\/connections\/.*/, '/connections/…')}`)
      return undefined
    },
  })
})

afterAll(() => target?.close())

it('an online notification costs one queue call and one direct message, and then its receipt and its event', async () => {
  const { device, received, token } = await readyDevice(target)
  // the first fills the caches: provider, token key ring, registration
  await request(target, { token })
  await until(() => received.length === 1 || undefined)
  // with its outcome handed on and kept
  await until(() => calls.includes('Record: dynamodb PutItem') || undefined)
  await until(() => calls.includes('Announce: sns PublishBatch') || undefined)
  calls.length = 0
  await request(target, { token })
  await until(() => received.length === 2 || undefined)
  await until(() => calls.includes('Record: dynamodb PutItem') || undefined)
  await until(() => calls.includes('Announce: sns PublishBatch') || undefined)
  const way = ['Accept: sqs SendMessage', 'Deliver: iotdata POST /connections/…']
  // the receipt and the event come after the device has it
  const handed = ['Deliver: sqs SendMessage', 'Deliver: sqs SendMessage']
  const after = ['Announce: sns PublishBatch', 'Record: dynamodb PutItem']
  expect(calls.slice(0, 4)).toEqual([...way, ...handed])
  expect(calls.slice(4).sort()).toEqual(after)
  await device.close()
})
