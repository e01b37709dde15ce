import { announcementOf } from '@heliograph/core/events/announcement'
import { type Outcome, outcomeOf } from '@heliograph/core/outcome'
import type { DeviceToken } from '@heliograph/protocol/identifiers'
import type { Announcement } from '@heliograph/protocol/messages'
import { describe, expect, test, vi } from 'vitest'
import { notification, now, topicA } from '../../../test/contract/samples.ts'
import { flushing, outcomeBatch } from '../src/outcome-batch.ts'

type Queue = (outcomes: readonly unknown[]) => Promise<void>

/** Receipts are kept of all but what was delivered, and subscribers hear of dead tokens and of what expired. */
function desk(send: Queue = async () => {}, publish: Queue = async () => {}) {
  const lines: Record<string, unknown>[] = []
  const sent: Outcome[][] = []
  const announced: Announcement[][] = []
  const log = {
    line: (fields: object) => lines.push({ ...fields }),
    error: (message: string, fields: object = {}) => lines.push({ message, ...fields }),
  }
  const batch = outcomeBatch(log, {
    receipts: {
      queue: {
        send: (outcomes) => {
          sent.push([...outcomes])
          return send(outcomes)
        },
      },
      wants: ({ kind }) => kind !== 'delivered',
    },
    events: {
      queue: {
        send: (announcements) => {
          announced.push([...announcements])
          return publish(announcements)
        },
      },
      wants: (event) => event.outcome === 'expired' || event.outcome === 'dead-token',
    },
  })
  return { lines, sent, announced, batch }
}

const outcome = (kind: Outcome['kind']) => outcomeOf(kind, notification(), now)

describe('the outcomes of an invocation', () => {
  test('wait for its end; those that are wanted then go on together', async () => {
    const { batch, sent } = desk()
    const [stored, delivered, expired] = [
      outcome('stored'),
      outcome('delivered'),
      outcome('expired'),
    ]
    batch.record(stored)
    batch.recordTogether([delivered, expired])
    expect(sent).toEqual([])
    await batch.flush()
    await batch.flush()
    expect(sent).toEqual([[stored, expired]])
  })

  test('are logged together where the queue would say them again, and at once where it would not', async () => {
    const { batch, lines } = desk()
    for (const kind of ['delivered', 'stored', 'delivered', 'duplicate'] as const)
      batch.record(outcome(kind))
    const shown = () => lines.map((line) => [line.outcome, line.count])
    expect(shown()).toEqual([['stored', 1]])
    await batch.flush()
    await batch.flush()
    expect(shown()).toEqual([
      ['stored', 1],
      ['delivered', 2],
      ['duplicate', 1],
    ])
  })

  test('cost no call where none is wanted', async () => {
    const { batch, sent } = desk()
    batch.record(outcome('delivered'))
    await batch.flush()
    expect(sent).toEqual([])
  })

  test('are counted where the queue fails, and nobody else hears of it', async () => {
    const { batch, lines } = desk(() => Promise.reject(new Error('no queue')))
    batch.record(outcome('stored'))
    batch.record(outcome('expired'))
    await batch.flush()
    expect(lines.at(-1)).toEqual({
      ...{ message: 'outcomes lost', lost: 2, fault: 'Error', detail: 'no queue' },
    })
  })

  test('wait for a queue that hangs for a second and a half, no longer', async () => {
    const { batch, lines } = desk(() => new Promise(() => {}))
    batch.record(outcome('stored'))
    const begun = performance.now()
    await batch.flush()
    expect(performance.now() - begun).toBeGreaterThan(1_400)
    expect(lines.at(-1)).toMatchObject({ message: 'outcomes lost', lost: 1 })
  })
})

describe('what subscribers hear', () => {
  const dead = { topic: topicA, token: 'ab'.repeat(32) as DeviceToken, at: now }
  const death = { type: 'token', outcome: 'dead-token', reason: 'Unregistered', ...dead }

  test('goes on once, together, and only what is wanted', async () => {
    const { batch, announced } = desk()
    const expired = outcome('expired')
    batch.recordTogether([outcome('stored'), expired])
    batch.deadTokens.record(dead)
    await batch.flush()
    await batch.flush()
    expect(announced).toEqual([[announcementOf(expired), death]])
  })

  test('is counted where its queue fails, and receipts are none the worse', async () => {
    const { batch, lines, sent } = desk(undefined, () => Promise.reject(new Error('no queue')))
    batch.record(outcome('expired'))
    batch.deadTokens.record(dead)
    await batch.flush()
    expect(sent).toHaveLength(1)
    expect(lines.at(-1)).toEqual({
      ...{ message: 'events lost', lost: 2, fault: 'Error', detail: 'no queue' },
    })
  })

  test('waits no longer than receipts do, and at the same time', async () => {
    let asked = 0
    const hang = () => {
      asked += 1
      return new Promise<void>(() => {})
    }
    const { batch, lines } = desk(hang, hang)
    batch.record(outcome('expired'))
    const flushed = batch.flush()
    // before the first of them is given up
    await vi.waitFor(() => expect(asked).toBe(2), 1_000)
    await flushed
    expect(
      lines
        .slice(-2)
        .map(({ message }) => message)
        .sort(),
    ).toEqual(['events lost', 'outcomes lost'])
  })
})

describe('a handler', () => {
  test('answers after its outcomes are sent on, and what it answers is its own', async () => {
    const { batch, sent } = desk()
    const handler = flushing(async (event: string) => {
      batch.record(outcome('stored'))
      return `${event} done`
    }, batch)
    expect(await handler('batch')).toBe('batch done')
    expect(sent).toHaveLength(1)
  })

  test('has sent a dead token on by the time it answers: it waits for no other', async () => {
    const { batch, announced } = desk()
    const dead = { topic: topicA, token: 'a'.repeat(64) as DeviceToken, at: now }
    const handler = flushing(async () => batch.deadTokens.record(dead), batch)
    await handler(undefined)
    expect(announced).toMatchObject([[{ type: 'token', reason: 'Unregistered', at: now }]])
  })

  test('that fails has sent on what happened before, and fails as it did', async () => {
    const { batch, sent } = desk()
    const handler = flushing(async () => {
      batch.record(outcome('stored'))
      throw new Error('its own')
    }, batch)
    await expect(handler(undefined)).rejects.toThrow('its own')
    expect(sent).toHaveLength(1)
  })

  test('answers also where nothing can be sent on', async () => {
    const { batch } = desk(() => Promise.reject(new Error('no queue')))
    batch.record(outcome('stored'))
    expect(await flushing(async () => 'done', batch)(undefined)).toBe('done')
  })
})
