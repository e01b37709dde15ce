import { outcomeOf } from '@heliograph/core/outcome'
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
