import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { admitted, isRejection, type Reason, reject, rejections } from '../src/rejection.ts'

/** Apple, "Handling notification responses from APNs": clients fail on any other. */
const apples: Readonly<Record<number, readonly string[]>> = {
  400: [
    ...['BadCollapseId', 'BadDeviceToken', 'BadExpirationDate', 'BadMessageId', 'BadPriority'],
    ...['BadTopic', 'DeviceTokenNotForTopic', 'DuplicateHeaders', 'IdleTimeout'],
    ...['InvalidPushType', 'MissingDeviceToken', 'MissingTopic', 'PayloadEmpty', 'TopicDisallowed'],
  ],
  403: [
    ...['BadCertificate', 'BadCertificateEnvironment', 'ExpiredProviderToken', 'Forbidden'],
    ...['InvalidProviderToken', 'MissingProviderToken', 'UnrelatedKeyIdInToken'],
    'BadEnvironmentKeyIdInToken',
  ],
  404: ['BadPath'],
  405: ['MethodNotAllowed'],
  410: ['Unregistered', 'ExpiredToken'],
  413: ['PayloadTooLarge'],
  429: ['TooManyProviderTokenUpdates', 'TooManyRequests'],
  500: ['InternalServerError'],
  503: ['ServiceUnavailable', 'Shutdown'],
}

/** Apple, "Handling error responses from Apple Push Notification service": those of channels alone. */
const applesOfChannels: Readonly<Record<number, readonly string[]>> = {
  400: [
    ...['BadChannelId', 'BadRequestParams', 'BadRequestPayload', 'CannotCreateChannelConfig'],
    ...['ChannelNotRegistered', 'FeatureNotEnabled', 'MissingChannelId', 'MissingPushType'],
  ],
  403: ['TopicMismatch'],
}

it('every reason is Apple’s, with Apple’s status', () => {
  for (const [reason, { status }] of Object.entries(rejections))
    expect([...(apples[status] ?? []), ...(applesOfChannels[status] ?? [])]).toContain(reason)
})

it('is never to be retried where Apple says so', () => {
  const never = Object.entries(rejections).filter(([, { retry }]) => retry === 'never')
  expect(never.map(([reason]) => reason).sort()).toEqual([
    ...['BadDeviceToken', 'ChannelNotRegistered', 'DeviceTokenNotForTopic', 'ExpiredToken'],
    ...['PayloadTooLarge', 'Unregistered'],
  ])
})

it('docs/provider-api.md lists every reason with its status and what to do', () => {
  const page = readFileSync(new URL('../../../docs/provider-api.md', import.meta.url), 'utf8')
  const advice = {
    never: 'never',
    fixed: 'once fixed',
    later: 'later',
    'new-connection': 'on a new connection',
  }
  const rows = page.split('\n').filter((line) => /^\| \d{3} \|/.test(line))
  const listed = rows.map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  const names = Object.keys(rejections) as Reason[]
  expect(listed.map(([, , reason]) => reason).sort()).toEqual([...names].sort())
  for (const [, status, reason, , retry] of listed) {
    const kind = rejections[reason as Reason]
    expect([reason, status, retry]).toEqual([reason, String(kind.status), advice[kind.retry]])
  }
})

it('says since when a token is dead, and of other refusals no time at all', () => {
  const dead = reject('Unregistered', 'gone', 5)
  expect(dead).toEqual({ reason: 'Unregistered', detail: 'gone', timestamp: 5 })
  expect(reject('BadTopic', 'why')).toStrictEqual({ reason: 'BadTopic', detail: 'why' })
  expect(reject('Unregistered', 'gone', 0)).toHaveProperty('timestamp', 0)
})

it('is left out of what was admitted', () => {
  const [one, two] = [{ id: 1 }, { id: 2 }]
  expect(admitted([one, reject('BadTopic', ''), two])).toEqual([one, two])
})

it('is told from a result by its reason and its detail', () => {
  expect(isRejection(reject('BadTopic', ''))).toBe(true)
  for (const result of [{}, { reason: 'BadTopic' }, { detail: 'why' }])
    expect(isRejection(result)).toBe(false)
})
