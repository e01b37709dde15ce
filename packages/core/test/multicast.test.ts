import { RECIPIENTS_PER_MESSAGE } from '@heliograph/protocol/limits'
import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import { describe, expect, it, test } from 'vitest'
import { newDevice, notification } from '../../../test/contract/samples.ts'
import { multicastsOf, parseMulticast, serializeMulticast } from '../src/multicast.ts'
import type { Notification } from '../src/notification.ts'

const common = notification({ payload: '{"t":"\ufffe\uffff ü"}', collapseId: 'a' })
const one = (): Notification => ({ ...notification(), ...ownless(common) })

/** What the recipients of one request have in common. */
function ownless({ topic, acceptedAt, expiration, priority, pushType, payload }: Notification) {
  const { idFromProvider } = common
  return {
    topic,
    acceptedAt,
    expiration,
    priority,
    pushType,
    payload,
    idFromProvider,
    collapseId: 'a',
  }
}

const recipients = (count: number) =>
  Array.from({ length: count }, () => ({
    notification: { ...one(), deviceId: newDevice(), seal: 's' },
    receives: 0,
  }))

describe('a multicast', () => {
  it('comes out as it went in', () => {
    const multicast = [...recipients(3), { ...recipients(1)[0]!, receives: 4 }]
    expect(parseMulticast(serializeMulticast(multicast))).toEqual(multicast)
  })

  it('comes out of a full message as it went in', () => {
    const multicast = recipients(RECIPIENTS_PER_MESSAGE)
    expect(parseMulticast(serializeMulticast(multicast))).toEqual(multicast)
  })

  it('has nothing of one recipient in what all have in common', () => {
    const { recipients: rows, ...shared } = JSON.parse(serializeMulticast(recipients(2)))
    expect(rows).toHaveLength(2)
    expect(Object.keys(shared).sort()).toEqual([
      ...['acceptedAt', 'collapseId', 'expiration', 'idFromProvider', 'payload', 'priority'],
      ...['pushType', 'topic'],
    ])
  })

  it('carries the payload once, and less than 200 bytes for each recipient', () => {
    const payload = JSON.stringify({ a: 'x'.repeat(4_000) })
    const size = (count: number) => {
      const some = recipients(count).map(({ notification: own, receives }) => ({
        notification: { ...own, payload, seal: 'x'.repeat(22) },
        receives,
      }))
      return Buffer.byteLength(serializeMulticast(some))
    }
    expect(size(1)).toBeLessThan(5_000)
    expect((size(100) - size(1)) / 99).toBeLessThan(200)
  })

  it('of the largest request fits far below what one call of SQS takes', () => {
    const payload = JSON.stringify({ a: '"'.repeat(2_500) })
    const full = recipients(1_000).map(({ notification: own, receives }) => ({
      notification: { ...own, payload, seal: 'x'.repeat(22) },
      receives,
    }))
    const bodies = multicastsOf(full).map(serializeMulticast)
    expect(bodies).toHaveLength(10)
    const bytes = bodies.reduce((sum, body) => sum + Buffer.byteLength(body), 0)
    expect(bytes).toBeLessThan(512 * 1024)
  })
})

describe('what accept does not write is no multicast', () => {
  const good = JSON.parse(serializeMulticast(recipients(2)))
  const change = (edit: (message: typeof good) => void) => {
    const message = structuredClone(good)
    edit(message)
    return JSON.stringify(message)
  }
  test.each([
    ['no JSON', '{"recipients":['],
    ['a list', '[]'],
    ['no recipients', change((message) => delete message.recipients)],
    ['recipients that are no list', change((message) => (message.recipients = 'x'))],
    ['an empty list', change((message) => (message.recipients = []))],
    ['a recipient that is not a list', change((message) => (message.recipients[1] = {}))],
    [
      'a recipient with the fields of a list that is none',
      change((message) => (message.recipients[1] = { ...message.recipients[1] })),
    ],
    ['a recipient without its count', change((message) => message.recipients[1].pop())],
    ['a negative count', change((message) => (message.recipients[1][6] = -1))],
    ['half a count', change((message) => (message.recipients[1][6] = 0.5))],
    ['a count beyond the last', change((message) => (message.recipients[1][6] = MAX_RECEIVES))],
    ['a count as text', change((message) => (message.recipients[1][6] = '1'))],
    ['a device id that is not one', change((message) => (message.recipients[1][3] = 'x'))],
    ['an id that is not one', change((message) => (message.recipients[0][0] = 'x'))],
    ['no payload', change((message) => delete message.payload)],
    ['no topic', change((message) => delete message.topic)],
    [
      'more recipients than one message has',
      change((message) => {
        message.recipients = Array(RECIPIENTS_PER_MESSAGE + 1).fill(message.recipients[0])
      }),
    ],
  ])('%s', (_what, text) => {
    expect(parseMulticast(text)).toBeUndefined()
  })

  test('a word of its own in the common part does not get into a recipient', () => {
    const text = change((message) => (message.deviceId = newDevice()))
    const devices = parseMulticast(text)?.map(({ notification: { deviceId } }) => deviceId)
    expect(devices).toEqual(good.recipients.map((row: string[]) => row[3]))
  })
})
