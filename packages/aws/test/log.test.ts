import { outcomeOf } from '@heliograph/core/outcome'
import { countedAs } from '@heliograph/core/stats/counted-topics'
import type { Topic } from '@heliograph/protocol/identifiers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { notification, now, topicA, topicB } from '../../../test/contract/samples.ts'
import { jsonLog, logOutcomes } from '../src/log.ts'

let lines: Record<string, unknown>[] = []
beforeEach(() => {
  lines = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(JSON.parse(String(text)) as Record<string, unknown>)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

const made = (topic = topicA) => notification({ topic, acceptedAt: now })
const log = jsonLog('deliver', 'test')

describe('outcomes in the log', () => {
  test('have a line for each topic and outcome, with their number', () => {
    const [one, two, other] = [made(), made(), made(topicB)]
    logOutcomes(log, [
      outcomeOf('delivered', one, now + 10),
      outcomeOf('delivered', other, now + 20),
      outcomeOf('stored', made(), now + 30),
      outcomeOf('delivered', two, now + 40),
    ])
    const shown = lines.map(({ outcome, count, topic }) => [outcome, count, topic])
    expect(shown).toEqual([
      ['delivered', 2, topicA],
      ['delivered', 1, topicB],
      ['stored', 1, topicA],
    ])
    expect(lines[0]).toMatchObject({
      ...{ level: 'info', service: 'deliver', stage: 'test' },
      uniqueIds: [one.uniqueId, two.uniqueId],
    })
  })

  test('of the canary have nothing that is counted, whatever the stage counts', () => {
    const canary = made('heliograph.canary' as Topic)
    const all = (['accepted', 'delivered', 'stored'] as const).map((kind) =>
      outcomeOf(kind, canary, now + 7),
    )
    logOutcomes(log, all, countedAs(['heliograph.canary']))
    expect(lines.map(({ canary: kind }) => kind)).toEqual(['accepted', 'delivered', 'stored'])
    const { time } = lines[1] ?? {}
    expect(lines[1]).toEqual({
      ...{ level: 'info', time, service: 'deliver', stage: 'test' },
      ...{ canary: 'delivered', uniqueIds: [canary.uniqueId], ages: [7] },
    })
    for (const line of lines) expect(Object.keys(line)).not.toContain('pushType')
  })

  test('carry the times of what was delivered as a metric, a hundred in a line at most', () => {
    const many = Array.from({ length: 101 }, (_, ms) => outcomeOf('delivered', made(), now + ms))
    logOutcomes(log, many)
    expect(lines.map(({ count }) => count)).toEqual([100, 1])
    expect(lines[0]?.DeliveryTime).toEqual(Array.from({ length: 100 }, (_, ms) => ms))
    expect(lines[0]?._aws).toEqual({
      Timestamp: now,
      CloudWatchMetrics: [
        {
          ...{ Namespace: 'Heliograph', Dimensions: [['stage']] },
          Metrics: [{ Name: 'DeliveryTime', Unit: 'Milliseconds' }],
        },
      ],
    })
  })

  test('say of an acceptance which apns-id the provider chose, and of the rest also who and how old', () => {
    const one = { ...made(), idFromProvider: true }
    logOutcomes(log, [outcomeOf('accepted', one, now), outcomeOf('expired', one, now + 7)])
    expect(lines[0]).toMatchObject({ outcome: 'accepted', ids: [one.id] })
    expect(lines[1]).toMatchObject({ ids: [one.id], ages: [7], deviceIds: [one.deviceId] })
    logOutcomes(log, [outcomeOf('accepted', made(), now)])
    expect(lines[2]).not.toHaveProperty('ids')
    for (const line of lines) expect(line).not.toHaveProperty('DeliveryTime')
  })

  test('never say what was sent, nor for which token', () => {
    const one = made()
    logOutcomes(log, [outcomeOf('delivered', one, now), outcomeOf('stored', one, now)])
    const text = JSON.stringify(lines)
    expect(text).not.toContain(one.payload)
    expect(text).not.toContain(one.tokenFingerprint)
  })
})

describe('topics that the stage counts', () => {
  const counted = countedAs([topicA])
  const [own, foreign] = [made(), made(topicB)]

  test('are named in every line, and all others have one name', () => {
    const kinds = ['accepted', 'delivered', 'drained', 'expired'] as const
    logOutcomes(
      log,
      kinds.flatMap((kind) => [outcomeOf(kind, own, now), outcomeOf(kind, foreign, now)]),
      counted,
    )
    expect(lines.map(({ topic, countedTopic }) => [topic, countedTopic])).toEqual(
      kinds.flatMap(() => [
        [topicA, topicA],
        [topicB, 'other'],
      ]),
    )
  })

  test('have acceptances by push type and priority, each a line', () => {
    const urgent = [made(), made()]
    const calm = { ...made(), priority: 5 as const }
    const quiet = { ...made(), pushType: 'background' as const, priority: 5 as const }
    const all = [...urgent, calm, quiet].map((one) => outcomeOf('accepted', one, now))
    logOutcomes(log, all, counted)
    expect(lines.map(({ count, pushType, priority }) => [count, pushType, priority])).toEqual([
      [2, 'alert', '10'],
      [1, 'alert', '5'],
      [1, 'background', '5'],
    ])
    logOutcomes(log, all)
    expect(lines[3]).toMatchObject({ outcome: 'accepted', count: 4 })
    expect(lines[3]).not.toHaveProperty('pushType')
    expect(lines[3]).not.toHaveProperty('countedTopic')
  })

  test('have the times of both ways to the device', () => {
    const outcomes = [outcomeOf('delivered', own, now + 3), outcomeOf('drained', own, now + 9_000)]
    logOutcomes(log, outcomes, counted)
    const metrics = lines.map(({ _aws }) => (_aws as EmbeddedMetrics).CloudWatchMetrics)
    const dimensions = [['stage'], ['stage', 'countedTopic']]
    expect(metrics).toEqual([
      [expect.objectContaining({ Dimensions: dimensions, Metrics: [unitOf('DeliveryTime')] })],
      [
        expect.objectContaining({
          Dimensions: dimensions,
          Metrics: [unitOf('StoredDeliveryTime')],
        }),
      ],
    ])
    expect(lines[1]).toMatchObject({ StoredDeliveryTime: [9_000], ages: [9_000] })
    logOutcomes(log, outcomes)
    expect(lines[3]).not.toHaveProperty('_aws')
  })
})

interface EmbeddedMetrics {
  readonly CloudWatchMetrics: readonly object[]
}

const unitOf = (Name: string) => ({ Name, Unit: 'Milliseconds' })
