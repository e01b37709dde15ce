import {
  type GetRetainedMessageCommandInput,
  type IoTDataPlaneClient,
  type PublishCommandInput,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot-data-plane'
import type { ChannelId, Seq, Topic } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import { broadcasts } from '../src/broadcasts.ts'
import type { LatestBroadcasts } from '../src/latest-broadcasts.ts'
import { storedBroadcasts } from '../src/operator/stored-broadcasts.ts'

const channel = 'a'.repeat(24) as ChannelId
const broadcast = { channel, topic: 'com.example.app' as Topic, seq: 'B' as Seq }
const newer = { ...broadcast, seq: 'C' as Seq }
const topic = `heliograph/channel/${channel}`
const NOW = 1_900_000_000

function named(name: string): Error {
  return Object.assign(new Error('no'), { name })
}

/** Gives these faults one after the other, then takes everything. */
function worldOf(...faults: readonly (Error | undefined)[]) {
  let time = NOW * 1_000
  const inputs: PublishCommandInput[] = []
  const send = async ({ input }: { readonly input: PublishCommandInput }) => {
    inputs.push(input)
    const fault = faults[inputs.length - 1]
    if (fault) throw fault
  }
  const client = { send } as unknown as IoTDataPlaneClient
  let meanwhile = async (): Promise<unknown> => undefined
  const wait = async (ms: number) => {
    time += ms
    const work = meanwhile
    meanwhile = async () => undefined
    await work()
  }
  /** What happens while the next call waits. */
  const inTheNextWait = (work: typeof meanwhile) => {
    meanwhile = work
  }
  const clock = { now: () => time }
  let newest = ''
  const latest: LatestBroadcasts = {
    async note({ seq }) {
      if (seq < newest) return false
      newest = seq
      return true
    },
  }
  const port = broadcasts(client, { clock, latest, wait })
  const setTime = (ms: number) => {
    time = ms
  }
  return { port, inputs, setTime, inTheNextWait, waited: () => time - NOW * 1_000 }
}

const throttled = named('ThrottlingException')
const textOf = ({ payload }: PublishCommandInput) => Buffer.from(payload as Uint8Array).toString()

test('a broadcast that is not stored is published once, without a flag', async () => {
  const { port, inputs } = worldOf()
  expect(await port.publish(broadcast, '{"é":1}', 0)).toBe('published')
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
  await port.publish(broadcast, '{}', NOW + 60)
  expect(inputs).toMatchObject([{ retain: true, messageExpiry: seconds }])
})

test('what ends within a second is published and not retained, and what was retained is removed', async () => {
  const { port, inputs, setTime } = worldOf()
  setTime(NOW * 1_000 + 59_001)
  await port.publish(broadcast, '{}', NOW + 60)
  expect(inputs[0]).not.toHaveProperty('retain')
  expect(inputs).toMatchObject([{ topic }, { topic, retain: true }])
  expect(inputs.map(textOf)).toEqual(['{}', ''])
  expect(inputs[0]).not.toHaveProperty('messageExpiry')
})

test('what comes too soon is published again, and ends when it should', async () => {
  const { port, inputs, waited } = worldOf(throttled, throttled)
  expect(await port.publish(broadcast, '{}', NOW + 60)).toBe('published')
  expect(inputs.map(({ messageExpiry }) => messageExpiry)).toEqual([60, 59, 58])
  expect(waited()).toBeGreaterThan(1_000)
})

test('what waited while a newer one was stored is published and not retained', async () => {
  const { port, inputs, inTheNextWait } = worldOf(throttled)
  inTheNextWait(() => port.publish(newer, 'newer', NOW + 60))
  expect(await port.publish(broadcast, 'older', NOW + 60)).toBe('published')
  expect(inputs.map((input) => [textOf(input), input.retain ?? false])).toEqual([
    ['older', true],
    ['newer', true],
    ['older', false],
  ])
})

test('where a newer one is stored, one that is over within a second removes nothing', async () => {
  const { port, inputs, setTime } = worldOf()
  await port.publish(newer, 'newer', NOW + 60)
  inputs.length = 0
  setTime(NOW * 1_000 + 100)
  await port.publish(broadcast, 'older', NOW + 1)
  expect(inputs.map(textOf)).toEqual(['older'])
  expect(inputs[0]).not.toHaveProperty('retain')
})

test('a newer one that is stored while a removal waits is not removed', async () => {
  const { port, inputs, inTheNextWait, setTime } = worldOf(undefined, throttled)
  setTime(NOW * 1_000 + 500)
  inTheNextWait(() => port.publish(newer, 'newer', NOW + 60))
  expect(await port.publish(broadcast, 'older', NOW + 1)).toBe('published')
  expect(inputs.map(textOf)).toEqual(['older', '', 'newer'])
})

test('what is too much after three attempts is left to the provider', async () => {
  const { port, inputs } = worldOf(...Array<Error>(9).fill(throttled))
  expect(await port.publish(broadcast, '{}', NOW + 60)).toBe('busy')
  expect(inputs).toHaveLength(3)
})

test.each(['InternalFailureException', 'ForbiddenException', 'TimeoutError'])(
  'of %s nobody knows what became of it: it is thrown, and not tried again',
  async (name) => {
    const { port, inputs } = worldOf(named(name))
    await expect(port.publish(broadcast, '{}', 0)).rejects.toMatchObject({ name })
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
