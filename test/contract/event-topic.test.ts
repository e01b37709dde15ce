import { join } from 'node:path'
import { SNSClient } from '@aws-sdk/client-sns'
import { eventTopic } from '@heliograph/aws/event-topic'
import { announcementOf, deathOf } from '@heliograph/core/events/announcement'
import { outcomeOf } from '@heliograph/core/outcome'
import type { EventTopic } from '@heliograph/core/ports'
import type { DeviceToken } from '@heliograph/protocol/identifiers'
import type { Announcement } from '@heliograph/protocol/messages'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Registry } from '../../packages/embedded-cloud/src/sns/registry.ts'
import { type Sns, startSns } from '../../packages/embedded-cloud/src/sns/sns.ts'
import { loadTls } from '../../packages/embedded-cloud/src/tls.ts'
import {
  clientOf,
  endpointFor,
  identity,
  temporaryFolder,
} from '../../packages/embedded-cloud/test/service-harness.ts'
import { notification, now, topicA } from './samples.ts'

interface Received {
  readonly announcement: Announcement
  readonly attributes: Readonly<Record<string, string | undefined>>
}

let received: Received[]
let topic: EventTopic
let calls: number
let failing: (call: number) => boolean
let close: () => Promise<void>

beforeEach(async () => {
  received = []
  calls = 0
  failing = () => false
  const folder = await temporaryFolder()
  const endpoint = await endpointFor([], undefined, {
    beforeService: () => {
      calls += 1
      if (!failing(calls)) return undefined
      return { outcome: 'answer', status: 400, code: 'AuthorizationError', message: 'no' }
    },
  })
  const sns = await openTopics(folder.path)
  endpoint.add(sns.service)
  const client = new SNSClient(clientOf(endpoint))
  const arn = sns.createTopic('events', {})
  const wanted = { topicArn: arn, protocol: 'sqs', endpoint: 'queue' }
  sns.subscribe('test', { ...wanted, attributes: { RawMessageDelivery: 'true' } })
  topic = eventTopic(client, arn)
  close = async () => {
    client.destroy()
    await sns.close()
    await endpoint.close()
    await folder.remove()
  }
})
afterEach(() => close())

/** SNS with one queue, which is a list here. */
async function openTopics(folder: string): Promise<Sns> {
  const stateFile = join(folder, 'sns.jsonl')
  new Registry(stateFile).close()
  const Statement = { Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' }
  return startSns({
    ...{ identity, stateFile, retrySecondMs: 1, log: () => {} },
    tls: await loadTls(join(folder, 'tls'), []),
    functions: { invokeAsync: () => {} },
    permits: () => false,
    queues: {
      policy: () => JSON.stringify({ Version: '2012-10-17', Statement }),
      send: (_queue, body, attributes) => {
        const texts = Object.entries(attributes).map(([name, { StringValue }]) => [
          name,
          StringValue,
        ])
        received.push({ announcement: JSON.parse(body), attributes: Object.fromEntries(texts) })
      },
    },
  })
}

const heard = () => announcementOf(outcomeOf('expired', notification(), now)) as Announcement

test('an event is a message, with its attributes', async () => {
  const token = 'ab'.repeat(32) as DeviceToken
  const events = [heard(), deathOf({ topic: topicA, token, at: now }, 'Unregistered')]
  expect(await topic.publish(events)).toEqual([])
  expect(received).toEqual([
    {
      announcement: events[0],
      attributes: { topic: topicA, outcome: 'expired', reason: 'Expired', pushType: 'alert' },
    },
    {
      announcement: events[1],
      attributes: { topic: topicA, outcome: 'dead-token', reason: 'Unregistered' },
    },
  ])
})

test('ten go in one call, and any number in all', async () => {
  const events = Array.from({ length: 203 }, heard)
  expect(await topic.publish(events)).toEqual([])
  expect(calls).toBe(21)
  const ids = (some: readonly { readonly id?: unknown }[]) => some.map(({ id }) => id).sort()
  expect(ids(received.map(({ announcement }) => announcement as { id: string }))).toEqual(
    ids(events as { id: string }[]),
  )
  expect(await topic.publish([])).toEqual([])
})

test('what one call did not take is returned, and the others have theirs', async () => {
  failing = (call) => call === 2
  const events = Array.from({ length: 30 }, heard)
  const left = await topic.publish(events)
  expect(left).toHaveLength(10)
  expect(received).toHaveLength(20)
  const taken = new Set(received.map(({ announcement }) => JSON.stringify(announcement)))
  for (const one of left) expect(taken.has(JSON.stringify(one))).toBe(false)
})

test('a topic that takes nothing is a fault, and is not asked for everything', async () => {
  failing = () => true
  const events = Array.from({ length: 500 }, heard)
  await expect(topic.publish(events)).rejects.toThrow('no')
  expect(calls).toBe(10)
})
