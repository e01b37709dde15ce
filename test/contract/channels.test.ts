import type { Channel, Channels } from '@heliograph/core/ports'
import { openStore } from '@heliograph/machine/store'
import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'
import { MAX_CHANNELS } from '@heliograph/protocol/limits'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../packages/embedded-cloud/test/service-harness.ts'
import { MemoryChannels } from './memory-channels.ts'
import { now, topicA, topicB } from './samples.ts'

interface Target {
  readonly channels: Channels
  /** Creating a topic's last channel takes thousands of calls: worth it where the count is kept. */
  readonly takesThousands: boolean
  close(): Promise<void>
}

const targets: readonly (readonly [name: string, open: () => Promise<Target>])[] = [
  [
    'in memory',
    async () => ({ channels: new MemoryChannels(), takesThousands: false, close: async () => {} }),
  ],
  ['one machine', openMachine],
]

async function openMachine(): Promise<Target> {
  const folder = await temporaryFolder()
  const store = await openStore({ folder: folder.path, key: new Uint8Array(32).fill(7) })
  return {
    channels: store.channels,
    takesThousands: true,
    async close() {
      await store.close()
      await folder.remove()
    },
  }
}

describe.each(targets)('channels: %s', (_name, open) => {
  let target: Target
  let channels: Channels
  let count = 0
  beforeAll(async () => {
    target = await open()
    channels = target.channels
  })
  afterAll(() => target?.close())

  const channel = (topic = topicA, storagePolicy: Channel['storagePolicy'] = 1): Channel => {
    count += 1
    const id = `c${String(count).padStart(23, '0')}` as ChannelId
    return { id, topic, storagePolicy, createdAt: now }
  }

  async function created(topic = topicA): Promise<Channel> {
    const one = channel(topic)
    expect(await channels.create(one)).toBe(true)
    return one
  }

  test('a channel is found as it was created, and under its own topic only', async () => {
    for (const policy of [0, 1] as const) {
      const one = channel(topicA, policy)
      expect(await channels.create(one)).toBe(true)
      expect(await channels.find(topicA, one.id)).toEqual(one)
      expect(await channels.find(topicB, one.id)).toBeUndefined()
      expect(await channels.close(topicB, one.id)).toBe(false)
      expect(await channels.find(topicA, one.id)).toEqual(one)
    }
  })

  test('a topic lists its own channels', async () => {
    const topics = ['com.example.list', 'com.example.list.voip', 'com.example.lis'] as Topic[]
    const [own, longer, shorter] = topics as [Topic, Topic, Topic]
    const two = [await created(own), await created(own)]
    await created(longer)
    await created(shorter)
    expect(new Set(await channels.list(own))).toEqual(new Set(two.map(({ id }) => id)))
    expect(await channels.list('com.example.none' as Topic)).toEqual([])
  })

  test('an id is given out once', async () => {
    const one = await created()
    await expect(channels.create({ ...one, storagePolicy: 0 })).rejects.toThrow()
    await channels.close(topicA, one.id)
    await expect(channels.create(one)).rejects.toThrow()
    expect(await channels.find(topicA, one.id)).toBeUndefined()
  })

  test('a closed channel is neither found nor listed; closing may be repeated until it is forgotten', async () => {
    const topic = 'com.example.closed' as Topic
    const [closed, other] = [await created(topic), await created(topic)]
    expect(await channels.close(topic, closed.id)).toBe(true)
    expect(await channels.find(topic, closed.id)).toBeUndefined()
    expect(await channels.list(topic)).toEqual([other.id])
    expect(await channels.close(topic, closed.id)).toBe(true)
    await channels.forget(topic, closed.id)
    await channels.forget(topic, closed.id)
    expect(await channels.close(topic, closed.id)).toBe(false)
  })

  test('an open channel is not forgotten, and one that never was is nothing to close', async () => {
    const one = await created()
    await channels.forget(topicA, one.id)
    expect(await channels.find(topicA, one.id)).toEqual(one)
    expect(await channels.close(topicA, channel().id)).toBe(false)
    await channels.forget(topicA, channel().id)
  })

  test(`a topic has ${MAX_CHANNELS} channels at most, those included that are being deleted`, async ({
    skip,
  }) => {
    if (!target.takesThousands) skip('thousands of calls')
    const topic = 'com.example.full' as Topic
    const all = Array.from({ length: MAX_CHANNELS }, () => channel(topic))
    expect(new Set(await Promise.all(all.map((one) => channels.create(one))))).toEqual(
      new Set([true]),
    )
    expect(await channels.create(channel(topic))).toBe(false)
    const [first] = all as [Channel]
    await channels.close(topic, first.id)
    expect(await channels.create(channel(topic))).toBe(false)
    await channels.forget(topic, first.id)
    expect(await channels.create(channel(topic))).toBe(true)
    expect(await channels.create(channel(topic))).toBe(false)
    expect(await channels.list(topic)).toHaveLength(MAX_CHANNELS)
    // other topics have room of their own
    await created()
  })
})
