import type { DeviceId, DeviceToken, NotificationId } from '@heliograph/protocol/identifiers'
import { RECIPIENTS_PER_MESSAGE } from '@heliograph/protocol/limits'
import { describe, expect, it } from 'vitest'
import { APP, Desk, NOW, newKey, OTHER_DEVICE, UUID, VOIP } from '../../../tools/fuzz/desk.ts'
import { isSealed } from '../src/delivery/seal.ts'
import type { Notification } from '../src/notification.ts'
import { rateLimit } from '../src/rate-limit.ts'
import { accept } from '../src/send/accept.ts'
import { recipientId } from '../src/send/recipient-id.ts'

const PAYLOAD = '{ "aps":{}, "n":12345678901234567890 }'
const bodyOf = (tokens: readonly unknown[], payload = PAYLOAD) =>
  `{"tokens":${JSON.stringify(tokens)},"payload":${payload}}`

type Change = Parameters<Desk['request']>[0]

async function send(desk: Desk, tokens: readonly unknown[], change: Change = {}) {
  const request = desk.request({ path: '/3/devices', body: bodyOf(tokens), ...change })
  const { status, headers, body = '{}' } = await accept(request, desk.ports)
  const { results = [], reason } = JSON.parse(body) as {
    results?: { status: number; reason?: string; 'apns-id'?: string }[]
    reason?: string
  }
  return { status, headers, reason, results }
}

const queuedIn = (desk: Desk): Notification[] =>
  desk.multicasts.flat().map(({ notification }) => notification)

const deviceOf = (n: number) => String(n).padStart(16, '0') as DeviceId

/** So many registered devices, by their tokens. */
function crowd(desk: Desk, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    desk.register(APP, {}, deviceOf(n))
    return desk.token(APP, undefined, deviceOf(n))
  })
}

describe('a request to many devices', () => {
  it('has a result for each, in their order, once the queue holds them', async () => {
    const desk = new Desk()
    const tokens = crowd(desk, 3)
    const { status, headers, results } = await send(desk, tokens)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json')
    expect(headers['apns-id']).toMatch(/^[0-9A-F-]{36}$/)
    const queued = queuedIn(desk)
    expect(queued.map(({ deviceId }) => deviceId)).toEqual([0, 1, 2].map(deviceOf))
    expect(results).toEqual(
      queued.map(({ id, uniqueId }) => ({
        status: 200,
        'apns-id': id,
        'apns-unique-id': uniqueId,
      })),
    )
    expect(desk.together.map((some) => some.map(({ kind, id }) => [kind, id]))).toEqual([
      queued.map(({ id }) => ['accepted', id]),
    ])
  })

  it('reads the keys again where one is newer, and not for what no key could have made', async () => {
    const desk = new Desk()
    const known = desk.keys
    let reads = 0
    desk.ports.ring.refreshed = async () => {
      reads += 1
      return desk.newKeys
    }
    const [token = ''] = crowd(desk, 1)
    expect((await send(desk, [token, 'no token'])).results).toHaveLength(2)
    expect(reads).toBe(0)
    await send(desk, [token, 'ab'.repeat(32), 'cd'.repeat(32)])
    expect(reads).toBe(1)
    desk.newKeys = [newKey(2), ...known]
    const fresh = desk.token(APP, desk.newKeys[0], deviceOf(0))
    const { results } = await send(desk, [token, fresh, 'no token'])
    expect(results.map(({ status }) => status)).toEqual([200, 200, 400])
    expect(reads).toBe(2)
  })

  it('makes a notification of its own for each, with the same words', async () => {
    const desk = new Desk()
    const headers = {
      'apns-topic': APP,
      'apns-priority': '5',
      'apns-expiration': String(NOW / 1000 + 60),
      'apns-collapse-id': 'chat',
    }
    await send(desk, crowd(desk, 2), { headers })
    const queued = queuedIn(desk)
    for (const each of queued) {
      expect(each).toMatchObject({
        ...{ topic: APP, priority: 5, expiration: NOW / 1000 + 60, collapseId: 'chat' },
        ...{ payload: PAYLOAD, idFromProvider: false, acceptedAt: NOW },
      })
      expect(isSealed(desk.keys, each)).toBe(true)
    }
    for (const own of ['id', 'uniqueId', 'deviceId', 'tokenFingerprint', 'seal'] as const)
      expect(queued[0]?.[own]).not.toBe(queued[1]?.[own])
  })

  it('asks for all registrations at once', async () => {
    const desk = new Desk()
    await send(desk, crowd(desk, 250))
    expect(desk.looks).toEqual([250])
  })

  it('shares messages as they fill', async () => {
    const desk = new Desk()
    await send(desk, crowd(desk, 2 * RECIPIENTS_PER_MESSAGE + 1))
    expect(desk.multicasts.map((multicast) => multicast.length)).toEqual([
      RECIPIENTS_PER_MESSAGE,
      RECIPIENTS_PER_MESSAGE,
      1,
    ])
  })

  it('asks the queue for nothing where no token is good', async () => {
    const desk = new Desk()
    desk.takesMulticasts = () => Promise.reject(new Error('asked'))
    expect((await send(desk, ['x', 'y'])).results.map(({ status }) => status)).toEqual([400, 400])
  })
})

describe('each token is judged by itself', () => {
  it('as one alone is: bad, of another topic, dead, ended, good', async () => {
    const desk = new Desk()
    desk.register(VOIP)
    desk.register(APP, { live: false, unregisteredAt: 7 }, OTHER_DEVICE)
    const ended = deviceOf(9)
    desk.register(APP, { live: false, unregisteredAt: 8, expiredAt: 8 }, ended)
    const { results } = await send(desk, [
      'not hex',
      42,
      null,
      { length: 64 },
      'ab'.repeat(32),
      desk.token(VOIP),
      desk.token(APP, undefined, OTHER_DEVICE),
      desk.token(APP, undefined, ended),
      desk.token(APP, undefined, deviceOf(5)),
      desk.token().toUpperCase(),
    ])
    const bad = { status: 400, reason: 'BadDeviceToken' }
    expect(results.slice(0, -1)).toEqual([
      ...Array(5).fill(bad),
      { status: 400, reason: 'DeviceTokenNotForTopic' },
      { status: 410, reason: 'Unregistered', timestamp: 7 },
      { status: 410, reason: 'ExpiredToken', timestamp: 8 },
      bad,
    ])
    expect(results.at(-1)).toMatchObject({ status: 200 })
    expect(queuedIn(desk)).toHaveLength(1)
  })

  it('a token over its own rate is 429 in its place', async () => {
    const desk = new Desk()
    desk.permits = 2
    const { results } = await send(desk, crowd(desk, 3))
    expect(results.map(({ status, reason }) => reason ?? status)).toEqual([
      200,
      200,
      'TooManyRequests',
    ])
  })

  it("the provider's share counts recipients; those beyond it are 429 and cost no look", async () => {
    const desk = new Desk()
    const ports = { ...desk.ports, providerRate: rateLimit(1) }
    const tokens = crowd(desk, 15)
    const ask = async () => {
      const request = desk.request({ path: '/3/devices', body: bodyOf(tokens) })
      return accept(request, ports)
    }
    const { results } = JSON.parse((await ask()).body ?? '')
    expect(results.map(({ status }: { status: number }) => status)).toEqual([
      ...Array(10).fill(200),
      ...Array(5).fill(429),
    ])
    expect(desk.looks).toEqual([10])
    expect((await ask()).status).toBe(429)
    desk.now += 2_000
    const later = JSON.parse((await ask()).body ?? '').results as { status: number }[]
    expect(later.filter(({ status }) => status === 200)).toHaveLength(2)
  })

  it('takes out of the share of the provider what it sends, and nothing more', async () => {
    const desk = new Desk()
    let taken = 0
    const take = () => {
      taken += 1
      return true
    }
    const request = desk.request({ path: '/3/devices', body: bodyOf(crowd(desk, 15)) })
    await accept(request, { ...desk.ports, providerRate: { take } })
    expect(taken).toBe(15)
  })

  it('says for the log how many were refused and why', async () => {
    const desk = new Desk()
    const request = desk.request({ path: '/3/devices', body: bodyOf(['x', desk.token(), 'y']) })
    const { refused } = await accept(request, desk.ports)
    expect(refused?.map(({ reason }) => reason)).toEqual(['BadDeviceToken', 'BadDeviceToken'])
  })
})

describe('what concerns the request is refused once, before any token is looked at', () => {
  const desk = () => {
    const one = new Desk()
    one.ports.ring.keys = () => Promise.reject(new Error('a token was looked at'))
    return one
  }
  it.each<[string, Change, number, string]>([
    ['the method', { method: 'GET' }, 405, 'MethodNotAllowed'],
    ['a repeated header', { headers: { 'apns-topic': `${APP},${APP}` } }, 400, 'DuplicateHeaders'],
    ['no credential', { clientCertificate: undefined }, 403, 'MissingProviderToken'],
    ['the id', { headers: { 'apns-topic': APP, 'apns-id': 'x' } }, 400, 'BadMessageId'],
    ['no topic', { headers: {} }, 400, 'MissingTopic'],
    ['a foreign topic', { headers: { 'apns-topic': 'com.b' } }, 400, 'BadTopic'],
    ['the priority', { headers: { 'apns-topic': APP, 'apns-priority': '9' } }, 400, 'BadPriority'],
    ['no body', { body: '' }, 400, 'PayloadEmpty'],
    ['no tokens', { body: bodyOf([]) }, 400, 'MissingDeviceToken'],
    [
      'the payload',
      { body: bodyOf(['x'], `{"a":"${'x'.repeat(4_090)}"}`) },
      413,
      'PayloadTooLarge',
    ],
  ])('%s', async (_what, change, status, reason) => {
    expect(await send(desk(), ['x'], change)).toMatchObject({ status, reason, results: [] })
  })

  it('the first fault of several, in the order of single sends', async () => {
    const headers = { 'apns-topic': 'com.b', 'apns-id': 'x', 'apns-priority': '9' }
    const orders: [Change, string][] = [
      [{ method: 'GET', headers, body: '', clientCertificate: undefined }, 'MethodNotAllowed'],
      [{ headers, body: '', clientCertificate: undefined }, 'MissingProviderToken'],
      [{ headers, body: '' }, 'BadMessageId'],
      [{ headers: { ...headers, 'apns-id': UUID }, body: '' }, 'BadTopic'],
      [{ headers: { 'apns-topic': APP, 'apns-priority': '9' }, body: '' }, 'BadPriority'],
    ]
    for (const [change, reason] of orders)
      expect(await send(desk(), ['x'], change)).toMatchObject({ reason })
  })

  it('a provider that has had its share', async () => {
    const greedy = desk()
    for (const fingerprint of greedy.records.keys()) greedy.overspent.add(fingerprint)
    expect(await send(greedy, ['x'])).toMatchObject({ status: 429, reason: 'TooManyRequests' })
  })
})

describe('the queue', () => {
  it('that takes some messages only: 503 for the recipients of the others, in their place', async () => {
    const desk = new Desk()
    desk.takesMulticasts = async (count) => Array.from({ length: count }, (_, at) => at !== 1)
    const count = 3 * RECIPIENTS_PER_MESSAGE
    const { status, results } = await send(desk, crowd(desk, count))
    expect(status).toBe(200)
    const refused = results.flatMap((one, at) => (one.status === 200 ? [] : [at]))
    expect(refused[0]).toBe(RECIPIENTS_PER_MESSAGE)
    expect(refused).toHaveLength(RECIPIENTS_PER_MESSAGE)
    expect(results[RECIPIENTS_PER_MESSAGE]).toEqual({ status: 503, reason: 'ServiceUnavailable' })
    expect(desk.together.map(({ length }) => length)).toEqual([
      RECIPIENTS_PER_MESSAGE,
      RECIPIENTS_PER_MESSAGE,
    ])
  })

  it('that fails is a fault, so that nobody hears 200', async () => {
    const desk = new Desk()
    desk.takesMulticasts = () => Promise.reject(new Error('no route'))
    await expect(send(desk, [desk.token()])).rejects.toThrow('no route')
    expect(desk.together).toEqual([])
  })
})

describe('with an apns-id of the provider', () => {
  const headers = { 'apns-topic': APP, 'apns-id': UUID }

  it('each id derives from it and the token, so that a repeated request names the same', async () => {
    const desk = new Desk()
    const tokens = crowd(desk, 3)
    const first = await send(desk, tokens, { headers })
    const again = await send(desk, tokens.toReversed(), { headers })
    expect(first.headers['apns-id']).toBe(UUID)
    const ids = first.results.map((one) => one['apns-id'])
    expect(again.results.map((one) => one['apns-id'])).toEqual(ids.toReversed())
    expect(new Set(ids).size).toBe(3)
    expect(queuedIn(desk).every(({ idFromProvider }) => idFromProvider)).toBe(true)
  })

  it('the same token twice is one notification, without it two', async () => {
    const desk = new Desk()
    const twice = [desk.token(), desk.token().toUpperCase()]
    const named = await send(desk, twice, { headers })
    expect(named.results[0]?.['apns-id']).toBe(named.results[1]?.['apns-id'])
    const unnamed = await send(desk, twice)
    expect(unnamed.results[0]?.['apns-id']).not.toBe(unnamed.results[1]?.['apns-id'])
  })

  it('is the UUID of version 5 that every library makes of the two', () => {
    // python3 -c 'import uuid; print(uuid.uuid5(uuid.UUID("123e4567-e89b-12d3-a456-4266554400a0"), "ab" * 32))'
    const token = 'ab'.repeat(32) as DeviceToken
    const id = recipientId(UUID as NotificationId, token)
    expect(id).toBe('49eedbce-5087-5e58-ad65-598c8d85c932')
    expect(recipientId(UUID.toUpperCase() as NotificationId, token)).toBe(id)
  })
})

it('a provider token counts as a certificate does', async () => {
  const desk = new Desk()
  const authorization = desk.issueKey()
  const change = { headers: { 'apns-topic': APP, authorization }, clientCertificate: undefined }
  const request = desk.request({ path: '/3/devices', body: bodyOf([desk.token()]), ...change })
  expect((await accept({ ...request, tokenSource: '192.0.2.1' }, desk.ports)).status).toBe(200)
})
