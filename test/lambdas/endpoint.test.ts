import type { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import { ResourceNotFoundException } from '@aws-sdk/client-iot-data-plane'
import { probeDirectMessages, probePauses } from '@heliograph/aws/direct-message-probe'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { expect, test } from 'vitest'
import { findEndpoint } from '../../lambdas/endpoint/handler.ts'

/** A client that fails with these, one after the other. */
function failing(...faults: readonly Error[]) {
  const left = [...faults]
  const send = async () => {
    throw left.shift() ?? new Error('asked too often')
  }
  return { send } as unknown as IoTDataPlaneClient
}

const offline = new ResourceNotFoundException({ message: 'x', $metadata: {} })
const named = (name: string) => Object.assign(new Error('x'), { name })

test.each([
  ['at once', [offline], 0],
  [
    'once its role is known',
    [named('ForbiddenException'), named('ForbiddenException'), offline],
    2,
  ],
])('direct messages are found %s', async (_when, faults, waits) => {
  const waited: number[] = []
  const wait = async (ms: number) => waited.push(ms)
  expect(await probeDirectMessages(failing(...faults), wait)).toBeUndefined()
  expect(waited).toEqual(probePauses.slice(0, waits))
})

test('a region whose answer stays another is asked five times', async () => {
  const all = Array.from({ length: 5 }, () => named('ForbiddenException'))
  expect(await probeDirectMessages(failing(...all), async () => {})).toBe('ForbiddenException: x')
})

test('another 404 than that of an absent client is no, and is not asked again', async () => {
  const unknown = Object.assign(named('UnknownOperationException'), {
    $metadata: { httpStatusCode: 404 },
  })
  const wait = async () => expect.unreachable('it waited')
  expect(await probeDirectMessages(failing(unknown), wait)).toBe('UnknownOperationException: x')
})

test('only a new stage is asked', async () => {
  const event = (RequestType: string) =>
    ({ RequestType, PhysicalResourceId: 'old' }) as CloudFormationCustomResourceEvent
  const ports = {
    region: 'xx-north-1',
    find: async () => 'host',
    probe: async () => 'UnknownOperationException',
  }
  await expect(findEndpoint(event('Create'), ports)).rejects.toThrow(/^IoT Core in xx-north-1 does/)
  const made = { physicalId: 'host', attributes: { Address: 'host' } }
  expect(await findEndpoint(event('Update'), ports)).toEqual(made)
  expect(await findEndpoint(event('Delete'), ports)).toEqual({ physicalId: 'old' })
})
