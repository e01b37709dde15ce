import { announcementOf, serializeAnnouncements } from '@heliograph/core/events/announcement'
import { outcomeOf } from '@heliograph/core/outcome'
import type { EventTopic } from '@heliograph/core/ports'
import type { Announcement } from '@heliograph/protocol/messages'
import type { SQSEvent } from 'aws-lambda'
import { expect, test } from 'vitest'
import { announceHandler } from '../../lambdas/announce/handler.ts'
import { notification, now } from '../contract/samples.ts'

const heard = () => announcementOf(outcomeOf('stored', notification(), now)) as Announcement
const batch = (...bodies: string[]) =>
  ({ Records: bodies.map((body, at) => ({ messageId: `m${at}`, body })) }) as SQSEvent

async function run(publish: EventTopic['publish'], event: SQSEvent) {
  const lines: string[] = []
  const log = { info: () => {}, warn: () => {}, error: (line: string) => void lines.push(line) }
  const { batchItemFailures } = await announceHandler({ publish }, log)(event)
  return { failed: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier), lines }
}

test('everything in a batch of messages is published together', async () => {
  const [one, two, three] = [heard(), heard(), heard()]
  const published: Announcement[] = []
  const publish = async (some: readonly Announcement[]) => {
    published.push(...some)
    return []
  }
  const event = batch(serializeAnnouncements([one, two]), serializeAnnouncements([three]))
  expect(await run(publish, event)).toEqual({ failed: [], lines: [] })
  expect(published).toEqual([one, two, three])
})

test('only the messages of what SNS did not take come again', async () => {
  const event = batch(
    serializeAnnouncements([heard(), heard()]),
    serializeAnnouncements([heard()]),
    serializeAnnouncements([heard()]),
  )
  const result = await run(
    async (some) => [some[1] as Announcement, some[3] as Announcement],
    event,
  )
  expect(result).toEqual({ failed: ['m0', 'm2'], lines: ['events were not taken'] })
})

test('where SNS fails all come again, and what is no event goes to the dead letters', async () => {
  const event = batch(serializeAnnouncements([heard()]), '[]')
  const refuse = () => Promise.reject(new Error('no topic'))
  expect(await run(refuse, event)).toEqual({
    failed: ['m0', 'm1'],
    lines: [
      'queue message holds no events: it goes to the dead-letter queue',
      'events could not be published',
    ],
  })
  const nothing = () => Promise.reject(new Error('must not be asked'))
  expect((await run(nothing, batch('[]'))).failed).toEqual(['m0'])
})
