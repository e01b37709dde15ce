import { randomUUID } from 'node:crypto'
import { timedUuid } from '@heliograph/core/ids'
import type { Notification } from '@heliograph/core/notification'
import { type Outcome, outcomeOf } from '@heliograph/core/outcome'
import type { NotificationId } from '@heliograph/protocol/identifiers'
import { MAX_NAMESAKES } from '@heliograph/protocol/limits'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { notification, SetClock, seqAt } from './samples.ts'
import { RECEIPT_SECONDS, type Target, targets } from './target.ts'

describe.each(targets)('receipts: %s', (_name, open) => {
  let target: Target
  const clock = new SetClock()
  beforeAll(async () => {
    target = await open(clock)
  })
  afterAll(() => target.close())

  /** As accept makes them: both ids its own, or the apns-id the provider's. */
  const accepted = (changes: Partial<Notification> = {}) =>
    notification({
      id: uuidAt(clock.time).toUpperCase() as NotificationId,
      uniqueId: uuidAt(clock.time),
      acceptedAt: clock.time,
      seq: seqAt(clock.time),
      ...changes,
    })
  const found = async (id: string) => sorted(await target.receipts.find(id as NotificationId))

  test('an outcome is found by the apns-id and the apns-unique-id, in either letter case', async () => {
    const one = accepted()
    const outcomes = [
      outcomeOf('stored', one, clock.time),
      outcomeOf('drained', one, clock.time + 5),
    ]
    await target.receipts.write(outcomes)
    for (const id of [one.id, one.id.toLowerCase(), one.uniqueId, one.uniqueId.toUpperCase()])
      expect(await found(id)).toEqual(sorted(outcomes))
  })

  test('so it is where the provider chose the id, or an earlier version made both', async () => {
    const chosen = accepted({ id: randomUUID() as NotificationId, idFromProvider: true })
    const odd = accepted({
      id: uuidAt(clock.time - 86_400_000) as NotificationId,
      idFromProvider: true,
    })
    const old = accepted({
      id: randomUUID().toUpperCase() as NotificationId,
      uniqueId: randomUUID(),
    })
    const straddling = accepted({ id: uuidAt(clock.time - 1).toUpperCase() as NotificationId })
    for (const one of [chosen, odd, old, straddling]) {
      const outcomes = [outcomeOf('delivered', one, clock.time + 20)]
      await target.receipts.write(outcomes)
      expect(await found(one.id)).toEqual(outcomes)
      expect(await found(one.uniqueId)).toEqual(outcomes)
    }
  })

  test('what came in several writes is together, and what was written twice is there once', async () => {
    const [one, other] = [accepted(), accepted()]
    const stored = [one, other].map((each) => outcomeOf('stored', each, clock.time + 1))
    const expired = outcomeOf('expired', one, clock.time + 2)
    await target.receipts.write(stored)
    await target.receipts.write([expired])
    await target.receipts.write([...stored, expired])
    expect(await found(one.id)).toEqual(sorted([stored[0] as Outcome, expired]))
    expect(await found(other.id)).toEqual([stored[1]])
  })

  test('nobody else is found, and an id that nobody has finds nothing', async () => {
    const [one, neighbor] = [accepted(), accepted()]
    await target.receipts.write([outcomeOf('delivered', neighbor, clock.time)])
    expect(await found(one.id)).toEqual([])
    expect(await found(randomUUID())).toEqual([])
  })

  test('many that came together are all kept', { timeout: 60_000 }, async () => {
    const many = Array.from({ length: 3_000 }, () => outcomeOf('delivered', accepted(), clock.time))
    await target.receipts.write(many)
    for (const at of [0, 1_999, 2_000, 2_999])
      expect(await found(many[at]?.uniqueId ?? '')).toEqual([many[at]])
  })

  test('of an id that a provider uses for many, the newest are found', async () => {
    const id = randomUUID() as NotificationId
    const namesakes = Array.from({ length: MAX_NAMESAKES + 3 }, (_, index) =>
      outcomeOf(
        'delivered',
        accepted({ id, idFromProvider: true, uniqueId: uuidAt(clock.time + 1_000 * index) }),
        clock.time,
      ),
    )
    await target.receipts.write(namesakes)
    expect(await found(id)).toEqual(sorted(namesakes.slice(3)))
    expect(await found(namesakes[0]?.uniqueId ?? '')).toEqual([namesakes[0]])
  })

  test('they are kept for the time that was set', async () => {
    const one = accepted({ id: randomUUID() as NotificationId, idFromProvider: true })
    await target.receipts.write([outcomeOf('delivered', one, clock.time)])
    clock.time += (RECEIPT_SECONDS - 1) * 1000
    expect(await found(one.id)).toHaveLength(1)
    clock.time += 2_000
    expect(await found(one.id)).toEqual([])
    expect(await found(one.uniqueId)).toEqual([])
  })
})

function uuidAt(ms: number): string {
  return timedUuid(ms, randomUUID())
}

function sorted(outcomes: readonly Outcome[]): Outcome[] {
  const key = ({ uniqueId, at }: Outcome) => `${uniqueId} ${at}`
  return [...outcomes].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
