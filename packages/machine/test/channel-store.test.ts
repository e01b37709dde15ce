import type { Channel } from '@heliograph/core/ports'
import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import { channels as channelsIn } from '../src/store/channels.ts'
import { openEnvironment } from '../src/store/environment.ts'
import { openStore } from '../src/store/store.ts'
import { key, openForTest, temporaryFolder } from './folder.ts'

const topic = 'com.example.app' as Topic
const other = `${topic}.other` as Topic
const numbered = (n: number) => `Channel${String(n).padStart(17, '0')}` as ChannelId
const channelOf = (n: number, of = topic): Channel => ({
  ...{ id: numbered(n), topic: of, storagePolicy: 1, createdAt: 0 },
})

test('a list is the same until a channel of the topic is created or closed', async () => {
  const { channels } = await openForTest()
  await channels.create(channelOf(1))
  const first = await channels.list(topic)
  await channels.create(channelOf(2, other))
  expect(await channels.list(topic)).toBe(first)
  await channels.add(channelOf(3))
  const second = await channels.list(topic)
  await channels.close(topic, numbered(1))
  const third = await channels.list(topic)
  await channels.forget(topic, numbered(1))
  expect(await channels.list(topic)).toBe(third)
  // those that wait for their reader are still what they were
  expect([first, second, third]).toEqual([[numbered(1)], [numbered(1), numbered(3)], [numbered(3)]])
})

test('the next process lists what is open, and not what is closed', async () => {
  const folder = temporaryFolder()
  const before = await openStore({ folder, key })
  for (const n of [1, 2]) await before.channels.create(channelOf(n))
  await before.channels.create(channelOf(3, other))
  await before.channels.close(topic, numbered(2))
  await before.close()
  const { channels } = await openForTest({ folder })
  expect(await channels.list(topic)).toEqual([numbered(1)])
  expect(await channels.list(other)).toEqual([numbered(3)])
  expect(await channels.list('com.example.none' as Topic)).toEqual([])
})

test('a channel that could not be written is not listed', async () => {
  const folder = temporaryFolder()
  await (await openStore({ folder, key })).close()
  const environment = openEnvironment({ folder })
  const failing = { ...environment, change: () => Promise.reject(new Error('the disk is full')) }
  const port = channelsIn(failing)
  await expect(port.create(channelOf(1))).rejects.toThrow('full')
  expect(await port.list(topic)).toEqual([])
  await environment.close()
})
