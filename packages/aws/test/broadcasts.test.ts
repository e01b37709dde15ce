import {
  type GetRetainedMessageCommandInput,
  type IoTDataPlaneClient,
  type PublishCommandInput,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot-data-plane'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import { broadcasts } from '../src/broadcasts.ts'
import { storedBroadcasts } from '../src/operator/stored-broadcasts.ts'

const channel = 'a'.repeat(24) as ChannelId
const topic = `heliograph/channel/${channel}`
const NOW = 1_900_000_000

function named(name: string): Error {
  return Object.assign(new Error('no'), { name })
}

/** Gives these faults one after the other, then takes everything. */
function worldOf(...faults: readonly Error[]) {
  let time = NOW * 1_000
  const inputs: PublishCommandInput[] = []
  const send = async ({ input }: { readonly input: PublishCommandInput }) => {
    inputs.push(input)
    const fault = faults[inputs.length - 1]
    if (fault) throw fault
  }
  const client = { send } as unknown as IoTDataPlaneClient
  const wait = async (ms: number) => {
    time += ms
  }
  const clock = { now: () => time }
  const port = broadcasts(client, { clock, wait })
  const setTime = (ms: number) => {
    time = ms
  }
  return { port, inputs, setTime, waited: () => time - NOW * 1_000 }
}

const throttled = named('ThrottlingException')
const textOf = ({ payload }: PublishCommandInput) => Buffer.from(payload as Uint8Array).toString()

test('a broadcast that is not stored is published once, without a flag', async () => {
  const { port, inputs } = worldOf()
  expect(await port.publish(channel, '{"é":1}', 0)).toBe('published')
  expect(inputs).toEqual([{ topic, payload: expect.any(Uint8Array), qos: 1 }])
  expect(inputs.map(textOf)).toEqual(['{"é":1}'])
})

test.each([
  [NOW * 1_000, 60],
  [NOW * 1_000 + 1, 59],
  [NOW * 1_000 + 59_000, 1],
])('at %i, what ends a minute after the start is retained for %i seconds', async (ms, seconds) => {
  const { port, inputs, setTime } = worldOf()
  setTime(ms)
  await port.publish(channel, '{}', NOW + 60)
  expect(inputs).toMatchObject([{ retain: true, messageExpiry: seconds }])
})

test('what ends within a second is published and not retained', async () => {
  const { port, inputs, setTime } = worldOf()
  setTime(NOW * 1_000 + 59_001)
  await port.publish(channel, '{}', NOW + 60)
  expect(inputs[0]).not.toHaveProperty('retain')
  expect(inputs[0]).not.toHaveProperty('messageExpiry')
})

test('what comes too soon is published again, and ends when it should', async () => {
  const { port, inputs, waited } = worldOf(throttled, throttled)
  expect(await port.publish(channel, '{}', NOW + 60)).toBe('published')
  expect(inputs.map(({ messageExpiry }) => messageExpiry)).toEqual([60, 59, 58])
  expect(waited()).toBeGreaterThan(1_000)
})

test('what is too much after three attempts is left to the provider', async () => {
  const { port, inputs } = worldOf(...Array<Error>(9).fill(throttled))
  expect(await port.publish(channel, '{}', NOW + 60)).toBe('busy')
  expect(inputs).toHaveLength(3)
})

test.each(['InternalFailureException', 'ForbiddenException', 'TimeoutError'])(
  'of %s nobody knows what became of it: it is thrown, and not tried again',
  async (name) => {
    const { port, inputs } = worldOf(named(name))
    await expect(port.publish(channel, '{}', 0)).rejects.toMatchObject({ name })
    expect(inputs).toHaveLength(1)
  },
)

test('what is stored is removed by an empty message, also right after it was stored', async () => {
  const { port, inputs } = worldOf(throttled)
  await port.clear(channel)
  expect(inputs).toHaveLength(2)
  for (const input of inputs) expect(input).toMatchObject({ topic, qos: 1, retain: true })
  expect(inputs.map(textOf)).toEqual(['', ''])
})

test('what could not be removed is a fault', async () => {
  const busy = worldOf(...Array<Error>(9).fill(throttled))
  await expect(busy.port.clear(channel)).rejects.toThrow('retained')
  expect(busy.waited()).toBeLessThan(3_500)
  const failing = worldOf(named('InternalFailureException'))
  await expect(failing.port.clear(channel)).rejects.toMatchObject({
    name: 'InternalFailureException',
  })
})

test('an operator reads what a channel stores', async () => {
  const message = '{"é":1}'
  const answers: (Uint8Array | Error)[] = [
    new TextEncoder().encode(message),
    new ResourceNotFoundException({ $metadata: {}, message: 'no' }),
    throttled,
  ]
  const send = async ({ input }: { readonly input: GetRetainedMessageCommandInput }) => {
    expect(input).toEqual({ topic })
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    return { payload: answer }
  }
  const { stored } = storedBroadcasts({ send } as unknown as IoTDataPlaneClient)
  expect(await stored(channel)).toBe(message)
  expect(await stored(channel)).toBeUndefined()
  // what is not known is not taken for nothing
  await expect(stored(channel)).rejects.toThrow('no')
})
