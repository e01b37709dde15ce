import { expect, it } from 'vitest'
import { describeFailure, fuzzInProcess } from '../../../tools/fuzz/in-process.ts'

it('answers 6,000 requests, right, wrong and mangled, as they deserve', async () => {
  const { failure, answers } = await fuzzInProcess(1, 6_000)
  expect(failure?.faults, failure && describeFailure(failure)).toBeUndefined()
  // every reason that a single request can bring about was seen
  expect([...answers.keys()].map((name) => name.split(' ').at(-1)).sort()).toEqual([
    ...['200', 'BadCollapseId', 'BadDeviceToken', 'BadExpirationDate', 'BadMessageId', 'BadPath'],
    ...['BadPriority', 'BadTopic', 'DeviceTokenNotForTopic', 'DuplicateHeaders', 'InvalidPushType'],
    ...['MethodNotAllowed', 'MissingDeviceToken', 'MissingTopic', 'PayloadEmpty'],
    ...['PayloadTooLarge', 'Unregistered'],
  ])
})
