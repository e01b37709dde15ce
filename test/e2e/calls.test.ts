import { afterAll, beforeAll, expect, it } from 'vitest'
import { readyDevice, request, startTarget, type Target, until } from './support.ts'

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

it('an online notification costs one queue call, one direct message and no DynamoDB write', async () => {
  const { device, received, token } = await readyDevice(target)
  // the first fills the caches: provider, token key ring, registration
  await request(target, { token })
  await until(() => received.length === 1 || undefined)
  await until(() => !calls.some((call) => call.includes('DeleteMessage')) || undefined)
  calls.length = 0
  await request(target, { token })
  await until(() => received.length === 2 || undefined)
  expect(calls).toEqual(['Accept: sqs SendMessage', 'Deliver: iotdata POST /connections/…'])
  await device.close()
})
