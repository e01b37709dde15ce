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

/** A message as JSON; made in a test, so that a fault in making it fails that test. */
interface Message extends Record<string, unknown> {
  recipients: unknown[][]
}
const message = () => JSON.parse(serializeMulticast(recipients(2))) as Message

describe('what accept does not write is no multicast', () => {
  test.each<[string, (good: Message) => unknown]>([
    ['a list', () => []],
    ['no recipients', ({ recipients: _, ...rest }) => rest],
    ['recipients that are no list', (good) => ({ ...good, recipients: 'x' })],
    ['an empty list', (good) => ({ ...good, recipients: [] })],
    ['a recipient that is not a list', withSecond({})],
    ['a recipient with the fields of a list that is none', withSecond((row) => ({ ...row }))],
    ['a recipient without its count', withSecond((row) => row.slice(0, -1))],
    ['a negative count', withSecond((row) => row.with(6, -1))],
    ['half a count', withSecond((row) => row.with(6, 0.5))],
    ['a count beyond the last', withSecond((row) => row.with(6, MAX_RECEIVES))],
    ['a count as text', withSecond((row) => row.with(6, '1'))],
    ['a device id that is not one', withSecond((row) => row.with(3, 'x'))],
    ['an id that is not one', withSecond((row) => row.with(0, 'x'))],
    ['no payload', ({ payload: _, ...rest }) => rest],
    ['no topic', ({ topic: _, ...rest }) => rest],
    [
      'more recipients than one message has',
      (good) => ({
        ...good,
        recipients: Array(RECIPIENTS_PER_MESSAGE + 1).fill(good.recipients[0]),
      }),
    ],
  ])('%s', (_what, edit) => {
    expect(parseMulticast(JSON.stringify(edit(message())))).toBeUndefined()
  })

  test('no JSON', () => expect(parseMulticast('{"recipients":[')).toBeUndefined())

  test('a word of its own in the common part does not get into a recipient', () => {
    const good = message()
    const text = JSON.stringify({ ...good, deviceId: newDevice() })
    const devices = parseMulticast(text)?.map(({ notification: { deviceId } }) => deviceId)
    expect(devices).toEqual(good.recipients.map((row) => row[3]))
  })
})

function withSecond(edit: object | ((row: unknown[]) => unknown)) {
  return ({ recipients: [first, second = []], ...rest }: Message) => ({
    ...rest,
    recipients: [first, typeof edit === 'function' ? edit(second) : edit],
  })
}
