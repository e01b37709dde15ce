import { MAX_CHANNELS } from '@heliograph/protocol/limits'
import { describe, expect, it, test } from 'vitest'
import { APP, UUID } from '../../../tools/fuzz/desk.ts'
import { isChannelPath } from '../src/channels/channel-path.ts'
import { ChannelDesk, OTHER, resultOf } from './channel-support.ts'

const settings = (policy: unknown, pushType: unknown = 'LiveActivity') =>
  JSON.stringify({ 'message-storage-policy': policy, 'push-type': pushType })

describe('a channel', () => {
  it('is created, read, listed and deleted, and then it is gone', async () => {
    const desk = new ChannelDesk()
    const created = await desk.manage('POST', undefined, 'channels', {
      ...{ body: settings(1), headers: { 'apns-request-id': UUID } },
    })
    const id = created.headers['apns-channel-id'] ?? ''
    expect(created).toEqual({
      status: 201,
      headers: {
        'apns-channel-id': expect.stringMatching(/^[A-Za-z0-9]{24}$/),
        'apns-request-id': UUID,
      },
    })
    const read = await desk.manage('GET', id)
    expect(read.status).toBe(200)
    expect(read.body).toBe(settings(1))
    expect(read.headers).toMatchObject({
      'apns-channel-id': id,
      'content-type': 'application/json',
    })
    const list = await desk.manage('GET', undefined, 'all-channels')
    expect(list.headers).toMatchObject({ 'content-type': 'application/json' })
    expect(JSON.parse(list.body ?? '')).toEqual({ channels: [id] })
    const gone = await desk.manage('DELETE', id)
    expect([gone.status, gone.body]).toEqual([204, undefined])
    for (const answer of [desk.manage('GET', id), desk.manage('DELETE', id), desk.publish(id)])
      expect(resultOf(await answer)).toEqual([400, 'ChannelNotRegistered'])
    const none = await desk.manage('GET', undefined, 'all-channels')
    expect(none.body).toBe('{"channels":[]}')
  })

  it('is in a list that all share to whom the store gives the same one', async () => {
    const desk = new ChannelDesk()
    const id = await desk.create()
    const list = [id]
    Object.assign(desk.channels, { list: async () => list })
    const [first, second] = [
      await desk.manage('GET', undefined, 'all-channels'),
      await desk.manage('GET', undefined, 'all-channels'),
    ]
    expect(Buffer.from(first.bytes ?? []).toString()).toBe(first.body)
    expect(second.bytes).toBe(first.bytes)
    Object.assign(desk.channels, { list: async () => [id, OTHER] })
    const third = await desk.manage('GET', undefined, 'all-channels')
    expect(JSON.parse(third.body ?? '')).toEqual({ channels: [id, OTHER] })
  })

  it('is created with node-apn’s spelling of the push type, too', async () => {
    const desk = new ChannelDesk()
    const body = settings(0, 'liveactivity')
    const { status, headers } = await desk.manage('POST', undefined, 'channels', { body })
    expect(status).toBe(201)
    expect((await desk.manage('GET', headers['apns-channel-id'])).body).toBe(settings(0))
  })

  it.each([
    ['', 'BadRequestPayload'],
    ['[]', 'BadRequestPayload'],
    ['{', 'BadRequestPayload'],
    ['{}', 'BadRequestPayload'],
    [settings(2), 'BadRequestPayload'],
    [settings('1'), 'BadRequestPayload'],
    [settings(true), 'BadRequestPayload'],
    [settings(1, 'alert'), 'InvalidPushType'],
    [settings(1, 7), 'InvalidPushType'],
    [settings(1, null), 'InvalidPushType'],
    ['{"message-storage-policy":1}', 'MissingPushType'],
  ])('is not created from %j', async (body, reason) => {
    const desk = new ChannelDesk()
    const answer = await desk.manage('POST', undefined, 'channels', { body })
    expect(resultOf(answer)).toEqual([400, reason])
    expect(await desk.channels.list(APP)).toEqual([])
  })

  it('is not created from a large body', async () => {
    const desk = new ChannelDesk()
    const largest = settings(1).padEnd(4_096)
    const created = await desk.manage('POST', undefined, 'channels', { body: largest })
    expect(resultOf(created)).toEqual([201])
    const body = `${largest} `
    const answer = await desk.manage('POST', undefined, 'channels', { body })
    expect(resultOf(answer)).toEqual([413, 'PayloadTooLarge'])
  })

  it('is one of 10,000 at most, deleted ones not counted, other topics neither', async () => {
    const desk = new ChannelDesk()
    const ids = []
    for (let made = 0; made < MAX_CHANNELS; made++) ids.push(await desk.create())
    const create = () => desk.manage('POST', undefined, 'channels', { body: settings(0) })
    expect(resultOf(await create())).toEqual([400, 'CannotCreateChannelConfig'])
    await desk.create(1, OTHER)
    await desk.manage('DELETE', ids[0])
    expect(resultOf(await create())).toEqual([201])
    expect(resultOf(await create())).toEqual([400, 'CannotCreateChannelConfig'])
  })
})

describe('a request about channels is refused', () => {
  it.each([
    ['GET', undefined, 'MissingChannelId'],
    ['DELETE', undefined, 'MissingChannelId'],
    ['GET', '#', 'BadChannelId'],
    ['DELETE', 'x'.repeat(23), 'BadChannelId'],
    ['GET', 'x'.repeat(24), 'ChannelNotRegistered'],
    ['DELETE', 'x'.repeat(24), 'ChannelNotRegistered'],
  ])('%s with the channel %s', async (method, id, reason) => {
    expect(resultOf(await new ChannelDesk().manage(method, id))).toEqual([400, reason])
  })

  it.each([
    ['PUT', 'channels', [405, 'MethodNotAllowed']],
    ['POST', 'all-channels', [405, 'MethodNotAllowed']],
    ['DELETE', 'all-channels', [405, 'MethodNotAllowed']],
    ['toString', 'channels', [405, 'MethodNotAllowed']],
    ['GET', 'channels/', [404, 'BadPath']],
    ['GET', 'toString', [404, 'BadPath']],
  ] as const)('%s %s', async (method, path, result) => {
    expect(resultOf(await new ChannelDesk().manage(method, undefined, path))).toEqual(result)
  })

  it.each([
    ...['/4/broadcasts/apps/', '/4/broadcasts', '/1/apps//channels', '/1/', '/4/device/x'],
    // a path of theirs, and more before or behind it
    ...[`/4/broadcasts/apps/${APP}/`, `/4/broadcasts/apps/${APP}/x`],
    ...[`/x/4/broadcasts/apps/${APP}`, `/x/1/apps/${APP}/channels`, `/1/apps/${APP}/channels2`],
  ])('at %s', async (path) => {
    const answer = await new ChannelDesk().ask({ path, method: 'POST' })
    expect(resultOf(answer)).toEqual([404, 'BadPath'])
  })

  it('with GET, where broadcasts are published', async () => {
    const answer = await new ChannelDesk().publish(undefined, {}, { method: 'GET' })
    expect(resultOf(answer)).toEqual([405, 'MethodNotAllowed'])
  })

  it.each([
    ['POST', 'channels'],
    ['GET', 'channels'],
    ['DELETE', 'channels'],
    ['GET', 'all-channels'],
  ])('%s %s of another topic, whatever it holds', async (method, path) => {
    const desk = new ChannelDesk()
    const id = await desk.create(1, OTHER)
    const change = { path: `/1/apps/${OTHER}/${path}`, body: settings(1) }
    const answer = await desk.manage(method, id, path, change)
    expect(resultOf(answer)).toEqual([403, 'TopicMismatch'])
    expect(await desk.channels.list(OTHER)).toEqual([id])
  })

  it('of another topic under the path of its own', async () => {
    const desk = new ChannelDesk()
    const id = await desk.create(1, OTHER)
    for (const method of ['GET', 'DELETE'])
      expect(resultOf(await desk.manage(method, id))).toEqual([400, 'ChannelNotRegistered'])
    expect(await desk.channels.find(OTHER, id)).toBeDefined()
  })
})

test('a channel whose deletion failed halfway is unknown, and can be deleted again', async () => {
  const desk = new ChannelDesk()
  const id = await desk.create()
  await desk.publish(id)
  expect(desk.broadcasts.stored.has(id)).toBe(true)
  desk.broadcasts.before = () => Promise.reject(new Error('no answer'))
  await expect(desk.manage('DELETE', id)).rejects.toThrow('no answer')
  expect(resultOf(await desk.manage('GET', id))).toEqual([400, 'ChannelNotRegistered'])
  desk.broadcasts.before = async () => 'published'
  expect(resultOf(await desk.manage('DELETE', id))).toEqual([204])
  expect(desk.broadcasts.stored.size).toBe(0)
  expect(resultOf(await desk.manage('DELETE', id))).toEqual([400, 'ChannelNotRegistered'])
})

test('nothing is cleared where nothing can be stored', async () => {
  const desk = new ChannelDesk()
  const calls: string[] = []
  desk.broadcasts.before = async (call) => {
    calls.push(call)
    return 'published'
  }
  await desk.manage('DELETE', await desk.create(0))
  expect(calls).toEqual([])
  await desk.manage('DELETE', await desk.create(1))
  expect(calls).toEqual(['clear'])
})

test('paths of channels are told from those of notifications', () => {
  for (const path of ['/4/broadcasts/apps/a', '/1/apps/a/channels', '/1/apps/a/all-channels'])
    expect(isChannelPath(path)).toBe(true)
  for (const path of ['/3/device/a', '/3/feedback', '/', '/4', '/4/device/a', '/1/a', '/11/apps'])
    expect(isChannelPath(path)).toBe(false)
})
