import type { Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newToken, notification, now, SetClock } from './samples.ts'
import { type Target, targets } from './target.ts'

describe.each(targets)('feedback: %s', (_name, open) => {
  let target: Target
  let topics = 0
  const clock = new SetClock()
  const newTopic = () => `com.example.feedback${++topics}` as Topic
  beforeAll(async () => {
    target = await open(clock)
  })
  afterAll(() => target.close())

  test('an entry is written once per cause', async () => {
    const topic = newTopic()
    const entry = { token: newToken(), timestamp: now, reason: 'Unregistered' as const }
    await target.feedback.write(topic, 'the cause', entry)
    await target.feedback.write(topic, 'the cause', entry)
    const rows = await target.feedback.read(topic, undefined, 10)
    expect(rows).toEqual([
      { ...entry, entry: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/) },
    ])
  })

  test('an entry about a notification keeps its id', async () => {
    const topic = newTopic()
    const { id } = notification()
    const entry = { timestamp: now, reason: 'Expired' as const, id }
    await target.feedback.write(topic, `expired ${id}`, entry)
    expect(await target.feedback.read(topic, undefined, 10)).toEqual([
      { ...entry, entry: expect.any(String) },
    ])
  })

  test('rows come oldest first, from a place on, as many as asked for, of one topic', async () => {
    const topic = newTopic()
    for (let index = 0; index < 5; index += 1) {
      clock.time += 1_000
      const entry = { token: newToken(), timestamp: index, reason: 'Unregistered' as const }
      await target.feedback.write(topic, `${topic} ${index}`, entry)
      await target.feedback.write(newTopic(), `other ${topic} ${index}`, entry)
    }
    const all = await target.feedback.read(topic, undefined, 10)
    expect(all.map(({ timestamp }) => timestamp)).toEqual([0, 1, 2, 3, 4])
    const some = await target.feedback.read(topic, all[1]?.entry, 2)
    expect(some).toEqual(all.slice(2, 4))
    expect(await target.feedback.read(topic, all[4]?.entry, 2)).toEqual([])
  })
})
