import { randomBytes } from 'node:crypto'
import { newChannelId } from '@heliograph/core/channels/channel-id'
import type { Channel, Channels } from '@heliograph/core/ports'
import type { Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { now, SetClock } from './samples.ts'
import { type Target, targets } from './target.ts'

const newTopic = () => `com.example.${randomBytes(8).toString('hex')}` as Topic

function newChannel(topic: Topic, change: Partial<Channel> = {}): Channel {
  const id = newChannelId({ bytes: (length) => new Uint8Array(randomBytes(length)) })
  return { id, topic, storagePolicy: 1, createdAt: now, ...change }
}

describe.each(targets)('channels: %s', (_, open) => {
  let target: Target
  let port: Channels
  let most: number
  const clock = new SetClock()
  beforeAll(async () => {
    target = await open(clock)
    port = target.channels.port
    most = target.channels.most
  })
  afterAll(() => target.close())

  const full = async (topic: Topic) => {
    const all = Array.from({ length: most }, () => newChannel(topic))
    const created = await Promise.all(all.map((channel) => port.create(channel)))
    expect(new Set(created)).toEqual(new Set([true]))
    return all
  }

  it('are found as they were created, with their topic', async () => {
    const topic = newTopic()
    const [stores, forgets] = [newChannel(topic), newChannel(topic, { storagePolicy: 0 })]
    for (const channel of [stores, forgets]) {
      expect(await port.find(topic, channel.id)).toBeUndefined()
      expect(await port.create(channel)).toBe(true)
      expect(await port.find(topic, channel.id)).toEqual(channel)
    }
    expect([...(await port.list(topic))].sort()).toEqual([stores.id, forgets.id].sort())
  })

  it('are unknown to every other topic, also to one whose name begins or ends alike', async () => {
    const topic = newTopic()
    for (const other of [newTopic(), `${topic}.voip`, topic.slice(0, -1)] as Topic[])
      await expectUnknown(topic, other)
  })

  async function expectUnknown(topic: Topic, other: Topic): Promise<void> {
    const channel = newChannel(topic)
    await port.create(channel)
    expect(await port.find(other, channel.id)).toBeUndefined()
    expect(await port.list(other)).toEqual([])
    expect(await port.close(other, channel.id)).toBe(false)
    await port.forget(other, channel.id)
    expect(await port.find(topic, channel.id)).toEqual(channel)
  }

  it('are not created twice under one id', async () => {
    const channel = newChannel(newTopic())
    await port.create(channel)
    await expect(port.create({ ...channel, storagePolicy: 0 })).rejects.toThrow()
    expect(await port.find(channel.topic, channel.id)).toEqual(channel)
  })

  it('are gone once they are closed, and can be closed again', async () => {
    const channel = newChannel(newTopic())
    await port.create(channel)
    for (const _again of [1, 2]) {
      expect(await port.close(channel.topic, channel.id)).toBe(true)
      expect(await port.find(channel.topic, channel.id)).toBeUndefined()
      expect(await port.list(channel.topic)).toEqual([])
    }
    await expect(port.create(channel)).rejects.toThrow()
  })

  it('are forgotten only once they are closed', async () => {
    const channel = newChannel(newTopic())
    await port.create(channel)
    await port.forget(channel.topic, channel.id)
    expect(await port.find(channel.topic, channel.id)).toEqual(channel)
    await port.close(channel.topic, channel.id)
    await port.forget(channel.topic, channel.id)
    expect(await port.close(channel.topic, channel.id)).toBe(false)
    await port.forget(channel.topic, channel.id)
  })

  it('are so many of a topic at most; a closed one counts until it is forgotten', async () => {
    const topic = newTopic()
    const [first] = await full(topic)
    expect(await port.create(newChannel(topic))).toBe(false)
    expect(await port.create(newChannel(newTopic()))).toBe(true)
    await port.close(topic, first?.id as Channel['id'])
    expect(await port.create(newChannel(topic))).toBe(false)
    await port.forget(topic, first?.id as Channel['id'])
    await port.forget(topic, first?.id as Channel['id'])
    expect(await port.create(newChannel(topic))).toBe(true)
    expect(await port.create(newChannel(topic))).toBe(false)
  })

  it('are created at the same time, and still not too many', async () => {
    const topic = newTopic()
    const all = Array.from({ length: most + 3 }, () => newChannel(topic))
    const created = await Promise.all(all.map((channel) => port.create(channel)))
    expect(created.filter((one) => one)).toHaveLength(most)
    expect(await port.list(topic)).toHaveLength(most)
  })
})
