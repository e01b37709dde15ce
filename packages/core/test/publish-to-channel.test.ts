import { type ChannelId, parseChannelId } from '@heliograph/protocol/identifiers'
import { describe, expect, it, test } from 'vitest'
import { APP, certificates, NOW, UUID } from '../../../tools/fuzz/desk.ts'
import { channelFingerprint, storedUntil } from '../src/channels/broadcast.ts'
import { newChannelId } from '../src/channels/channel-id.ts'
import { ChannelDesk, OTHER, resultOf } from './channel-support.ts'

const SECONDS = NOW / 1000

describe('a broadcast', () => {
  it('is answered once the broker has it, with its ids and without a body', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    let taken = () => {}
    desk.broadcasts.before = () => new Promise((resolve) => (taken = () => resolve('published')))
    let answered = false
    const answering = desk.publish(channel, { 'apns-request-id': UUID }).then((answer) => {
      answered = true
      return answer
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(answered).toBe(false)
    taken()
    expect(await answering).toEqual({
      status: 200,
      headers: {
        'apns-id': UUID,
        'apns-unique-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'apns-request-id': UUID,
      },
    })
  })

  it('reaches the channel as the provider sent it, byte for byte', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    const body = '{ "a":1, "a":2, "n":12345678901234567890 }'
    const headers = { 'apns-priority': '5', 'apns-expiration': String(SECONDS + 60) }
    await desk.publish(channel, headers, { body })
    const [{ message = '', ...published } = {}] = desk.broadcasts.published
    expect(published).toEqual({ channel, storedUntil: SECONDS + 60 })
    expect(message.endsWith(`,"payload":${body}}`)).toBe(true)
    expect(JSON.parse(message)).toMatchObject({
      ...{ id: UUID, channel, topic: APP, seq: expect.any(String), acceptedAt: NOW },
      ...{ expiration: SECONDS + 60, priority: 5, pushType: 'liveactivity' },
    })
  })

  it('has one id where the provider chose none', async () => {
    const desk = new ChannelDesk()
    let made = 0
    desk.ports.ids.uuid = () => `abcdef01-0000-7000-8000-00000000000${made++}`
    const { headers } = await desk.publish(await desk.create(), { 'apns-id': undefined })
    const { 'apns-id': id = '', 'apns-unique-id': uniqueId } = headers
    expect(id).toMatch(/^ABCDEF01-/)
    expect(uniqueId).toBe(id.toLowerCase())
  })

  it('has an id of its own beside the one that the provider chose', async () => {
    const desk = new ChannelDesk()
    const { headers } = await desk.publish(await desk.create(), { 'apns-id': UUID })
    expect(headers['apns-id']).toBe(UUID)
    expect(headers['apns-unique-id']).not.toBe(UUID.toLowerCase())
    expect(JSON.parse(desk.broadcasts.published[0]?.message ?? '')).toMatchObject({
      id: UUID,
      uniqueId: headers['apns-unique-id'],
    })
  })

  it('is recorded without its payload and without the way into the channel', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    await desk.publish(channel, { 'apns-expiration': '0' })
    expect(desk.outcomes).toEqual([
      {
        ...{ kind: 'published', id: UUID, uniqueId: expect.any(String), topic: APP },
        ...{ channel: channelFingerprint(channel), seq: expect.any(String), priority: 10 },
        ...{ expiration: 0, bytes: 26, at: NOW },
      },
    ])
    expect(JSON.stringify(desk.outcomes)).not.toContain(channel)
  })

  it('takes 5,120 bytes, and not one more', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    const body = `{"a":"${'x'.repeat(5_120 - 8)}"}`
    expect(resultOf(await desk.publish(channel, {}, { body }))).toEqual([200])
    expect(resultOf(await desk.publish(channel, {}, { body: ` ${body}` }))).toEqual([
      413,
      'PayloadTooLarge',
    ])
  })
})

describe('until when a broadcast is stored', () => {
  it.each([
    [0, undefined, 0],
    [0, 0, 0],
    [1, 0, 0],
    [1, -0, 0],
    [1, SECONDS + 1, SECONDS + 1],
    [1, SECONDS + 8 * 3600, SECONDS + 8 * 3600],
    [1, SECONDS + 8 * 3600 + 1, SECONDS + 8 * 3600],
    [1, undefined, SECONDS + 8 * 3600],
  ] as const)('policy %i, expiration %s', (policy, asked, until) => {
    expect(storedUntil(policy, asked, NOW)).toBe(until)
  })

  it.each([
    [0, SECONDS + 60],
    [0, 1],
    [1, SECONDS],
    [1, 1],
    [1, -1],
  ] as const)('policy %i cannot have %i', async (policy, asked) => {
    const desk = new ChannelDesk()
    const channel = await desk.create(policy)
    expect(resultOf(await desk.publish(channel, { 'apns-expiration': String(asked) }))).toEqual([
      400,
      'BadExpirationDate',
    ])
    expect(desk.broadcasts.published).toEqual([])
  })
})

describe('a request to publish is refused', () => {
  const some = 'a'.repeat(24)
  it.each([
    ['no channel', undefined, {}, [400, 'MissingChannelId']],
    ['an empty channel', '', {}, [400, 'MissingChannelId']],
    ['an id of Apple’s', 'dHN0LXNyY2gtY2hubA==', {}, [400, 'BadChannelId']],
    ['a filter', '+', {}, [400, 'BadChannelId']],
    ['a channel that nobody has', some, {}, [400, 'ChannelNotRegistered']],
    ['two channels', `${some},${some}`, {}, [400, 'DuplicateHeaders']],
    ['no push type', some, { 'apns-push-type': undefined }, [400, 'MissingPushType']],
    ['another push type', some, { 'apns-push-type': 'alert' }, [400, 'InvalidPushType']],
    ['no id', some, { 'apns-id': 'x' }, [400, 'BadMessageId']],
    ['no request id', some, { 'apns-request-id': 'x' }, [400, 'BadRequestParams']],
    ['a priority of its own', some, { 'apns-priority': '7' }, [400, 'BadPriority']],
    ['a date as text', some, { 'apns-expiration': 'soon' }, [400, 'BadExpirationDate']],
  ] as const)('with %s', async (_, channel, headers, result) => {
    const desk = new ChannelDesk()
    const answer = await desk.publish(channel, headers)
    expect(resultOf(answer)).toEqual(result)
    expect(answer.headers['apns-request-id']).toMatch(/^[0-9A-F-]{36}$/)
    expect(answer.headers['heliograph-detail']).toBeTruthy()
    expect(desk.broadcasts.published).toEqual([])
    expect(desk.outcomes.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['refused', result[1]],
    ])
  })

  it.each([
    ['', 'PayloadEmpty'],
    ['[1]', 'PayloadEmpty'],
    ['{', 'PayloadEmpty'],
  ])('with the payload %j', async (body, reason) => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    expect(resultOf(await desk.publish(channel, {}, { body }))).toEqual([400, reason])
  })

  it('without a credential, or with one that is not good', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    const none = await desk.publish(channel, {}, { clientCertificate: undefined })
    expect(resultOf(none)).toEqual([403, 'MissingProviderToken'])
    const bad = await desk.publish(channel, {}, { clientCertificate: 'no PEM' })
    expect(resultOf(bad)).toEqual([403, 'BadCertificate'])
  })

  it('with a credential that has had its share, before the channel is looked up', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    for (const { fingerprint } of desk.desk.records.values()) desk.desk.overspent.add(fingerprint)
    expect(resultOf(await desk.publish(channel))).toEqual([429, 'TooManyRequests'])
    expect(desk.broadcasts.published).toEqual([])
  })

  it('while the broker has too much to do', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    desk.broadcasts.before = async () => 'busy'
    expect(resultOf(await desk.publish(channel))).toEqual([429, 'TooManyRequests'])
  })

  it('by nobody while the broker fails: the fault is thrown, and the edge answers 503', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    desk.broadcasts.before = () => Promise.reject(new Error('no answer'))
    await expect(desk.publish(channel)).rejects.toThrow('no answer')
    expect(desk.outcomes).toEqual([])
  })
})

describe('a channel of another topic', () => {
  const path = `/4/broadcasts/apps/${OTHER}`

  it('is refused by its path, whether it is there or not', async () => {
    const desk = new ChannelDesk()
    const theirs = await desk.create(1, OTHER)
    const answers = [theirs, 'b'.repeat(24)].map((id) => desk.publish(id, {}, { path }))
    const [there, absent] = await Promise.all(answers)
    expect(resultOf(there as never)).toEqual([403, 'TopicMismatch'])
    expect(there?.body).toBe(absent?.body)
    expect(there?.headers['heliograph-detail']).toBe(absent?.headers['heliograph-detail'])
  })

  it('is as unknown as one that nobody has', async () => {
    const desk = new ChannelDesk()
    const theirs = await desk.create(1, OTHER)
    const [there, absent] = [await desk.publish(theirs), await desk.publish('b'.repeat(24))]
    expect(resultOf(there)).toEqual([400, 'ChannelNotRegistered'])
    expect(there).toEqual({ ...absent, headers: there.headers })
    expect(there.headers['heliograph-detail']).toBe(absent.headers['heliograph-detail'])
    expect(desk.broadcasts.published).toEqual([])
  })

  it('is not reached by a topic with a suffix, which is another topic', async () => {
    const desk = new ChannelDesk()
    const channel = await desk.create()
    const change = {
      path: `/4/broadcasts/apps/${APP}.voip`,
      clientCertificate: certificates.single,
    }
    expect(resultOf(await desk.publish(channel, {}, change))).toEqual([403, 'TopicMismatch'])
  })
})

test('a provider token is as good as a certificate', async () => {
  const desk = new ChannelDesk()
  const channel = await desk.create()
  const change = { clientCertificate: undefined, tokenSource: '192.0.2.1' }
  const own = await desk.publish(channel, { authorization: desk.desk.issueKey([APP]) }, change)
  expect(resultOf(own)).toEqual([200])
  const authorization = desk.desk.issueKey([OTHER], 'QWERTYUIOP' as never)
  const other = await desk.publish(channel, { authorization }, change)
  expect(resultOf(other)).toEqual([403, 'TopicMismatch'])
})

test('a channel is told from others in a log by twelve digits, which are not its id', () => {
  expect(channelFingerprint('a'.repeat(24) as ChannelId)).toBe('09f61f8d9cd6')
  expect(channelFingerprint('b'.repeat(24) as ChannelId)).not.toBe('09f61f8d9cd6')
})

test('what is not stored is not looked for after it was sent, and takes nothing away', async () => {
  const desk = new ChannelDesk()
  const channel = await desk.create()
  const calls: string[] = []
  desk.broadcasts.before = async (call) => {
    calls.push(call)
    await desk.channels.close(APP, channel)
    return 'published'
  }
  await desk.publish(channel, { 'apns-expiration': '0' })
  expect(calls).toEqual(['publish'])
})

test('what is stored after its channel was deleted is removed again', async () => {
  const desk = new ChannelDesk()
  const channel = await desk.create()
  let deleted = false
  desk.broadcasts.before = async (call) => {
    if (call === 'publish' && !deleted) {
      deleted = true
      expect(resultOf(await desk.manage('DELETE', channel))).toEqual([204])
    }
    return 'published'
  }
  await desk.publish(channel)
  expect(desk.broadcasts.published).toHaveLength(1)
  expect(desk.broadcasts.stored.size).toBe(0)
})

describe('the id of a new channel', () => {
  it('is 24 letters and digits, every one as likely as the others', () => {
    let state = 1
    const next = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    }
    const bytes = (length: number) => Uint8Array.from({ length }, next)
    const counts = new Map<string, number>()
    for (let made = 0; made < 2_480; made++) {
      const id = newChannelId({ bytes })
      expect(parseChannelId(id)).toBe(id)
      for (const character of id) counts.set(character, (counts.get(character) ?? 0) + 1)
    }
    expect(counts.size).toBe(62)
    const mean = (2_480 * 24) / 62
    for (const [character, count] of counts)
      expect(Math.abs(count - mean), character).toBeLessThan(mean / 10)
  })

  it('draws again where too few bytes were fair', () => {
    const draws = [new Uint8Array(48).fill(255), new Uint8Array(48).fill(61)]
    const id = newChannelId({ bytes: () => draws.shift() ?? new Uint8Array(48) })
    expect(id).toBe('9'.repeat(24) as ChannelId)
  })
})
