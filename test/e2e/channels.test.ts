import { randomUUID } from 'node:crypto'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import apn from '@parse/node-apn'
import { afterAll, describe, expect, it } from 'vitest'
import { Listener } from '../../tools/conformance/listener.ts'
import { type ChannelApn, nodeApnOfChannels } from '../../tools/conformance/node-apn.ts'
import { APP, ChannelProvider, heardOnJoining } from './channel-support.ts'
import { sharing } from './shared-target.ts'
import { settle } from './support.ts'
import type { Target } from './target.ts'
import { requestByToken, tokenFile } from './token-provider.ts'

let target: Target
let provider: ChannelProvider
sharing.beforeAll(({ target: shared }) => {
  target = shared
  provider = new ChannelProvider(target)
})
afterAll(() => provider?.close())

/** Broadcasts of a channel that stores are a second apart: IoT Core takes no more. */
const soon = () => settle(1_100)

function withCertificate(): ChannelApn {
  return nodeApnOfChannels(target)
}

/** A domain that asks for no certificate takes both kinds of paths. */
function withToken(): ChannelApn {
  const { url, key, keyId, teamId } = tokenFile(target)
  return nodeApnOfChannels(target, {
    ...{ url, channelsUrl: url, credential: { token: { key, keyId, teamId } } },
  })
}

const note = (fields: object = {}) => Object.assign(new apn.Notification(), fields)

describe.each([
  ['a certificate', withCertificate],
  ['a provider token', withToken],
])('with node-apn and %s', (_, open) => {
  it('a channel is created, read, listed, published to and deleted', async () => {
    const client = open()
    const created = await client.manageChannels(
      note({ payload: { 'message-storage-policy': 1 } }),
      APP,
      'create',
    )
    expect(created.failed).toEqual([])
    const channelId = created.sent[0]?.['apns-channel-id'] as ChannelId
    const device = await Listener.open(target)
    await device.join(channelId)

    const read = await client.manageChannels(note({ channelId }), APP, 'read')
    expect(read.sent).toMatchObject([{ 'message-storage-policy': 1, 'push-type': 'LiveActivity' }])
    const all = await client.manageChannels(note(), APP, 'readAll')
    expect(all.sent[0]?.channels).toContain(channelId)

    const id = randomUUID()
    const fields = { channelId, id, pushType: 'liveactivity', event: 'update', expiry: 0 }
    const broadcast = await client.broadcast(
      note({ ...fields, contentState: { score: 1 }, timestamp: 1_700_000_000 }),
      APP,
    )
    expect(broadcast).toMatchObject({ failed: [], sent: [{ bundleId: APP, 'apns-id': id }] })
    expect(broadcast.sent[0]).toMatchObject({
      'apns-request-id': expect.any(String),
      'apns-unique-id': expect.any(String),
    })
    expect(await device.hears(1)).toMatchObject([
      {
        ...{ id, channel: channelId, topic: APP, pushType: 'liveactivity', stored: false },
        payload: { aps: { event: 'update', 'content-state': { score: 1 } } },
      },
    ])

    const deleted = await client.manageChannels(note({ channelId }), APP, 'delete')
    expect(deleted.failed).toEqual([])
    const gone = await client.broadcast(note({ ...fields, id: randomUUID() }), APP)
    expect(gone.failed).toMatchObject([
      { status: 400, response: { reason: 'ChannelNotRegistered' } },
    ])
    await device.close()
    await client.shutdown()
  })
})

describe('a channel that stores', () => {
  it('has its latest broadcast for whoever joins later, until that is deleted with it', async () => {
    const channel = await provider.create(1)
    const device = await Listener.open(target)
    await device.join(channel)
    await provider.publish(channel, {}, { body: '{"n":1}' })
    await soon()
    await provider.publish(channel, {}, { body: '{"n":2}' })
    const [first, second] = await device.hears(2)
    expect([first, second]).toMatchObject([
      { payload: { n: 1 }, stored: false },
      { payload: { n: 2 }, stored: false },
    ])
    expect((second?.seq ?? '') > (first?.seq ?? '')).toBe(true)
    expect(await heardOnJoining(target, provider, channel)).toMatchObject([
      { id: second?.id, payload: { n: 2 }, stored: true },
    ])
    const { status } = await provider.manage('DELETE', { 'apns-channel-id': channel })
    expect(status).toBe(204)
    expect(await heardOnJoining(target, provider, channel)).toEqual([])
    await device.close()
  })

  it('has nothing any more once that has expired', async () => {
    const channel = await provider.create(1)
    const expiration = Math.floor(Date.now() / 1_000) + 3
    const sent = await provider.publish(channel, { 'apns-expiration': String(expiration) })
    expect(sent.status).toBe(200)
    await settle(expiration * 1_000 - Date.now() + 50)
    expect(await heardOnJoining(target, provider, channel)).toEqual([])
  })

  it('does not store what is not to be stored', async () => {
    const channel = await provider.create(1)
    await provider.publish(channel, { 'apns-expiration': '0' })
    expect(await heardOnJoining(target, provider, channel)).toEqual([])
  })
})

it('a channel that does not store has nothing for whoever joins later', async () => {
  const channel = await provider.create(0)
  const device = await Listener.open(target)
  await device.join(channel)
  expect((await provider.publish(channel)).status).toBe(200)
  expect(await device.hears(1)).toMatchObject([{ expiration: 0, stored: false }])
  expect(await heardOnJoining(target, provider, channel)).toEqual([])
  await device.close()
})

describe('over HTTP', () => {
  const some = 'a'.repeat(24)

  it.each([
    [{ 'apns-channel-id': '' }, 400, 'MissingChannelId'],
    [{ 'apns-channel-id': 'dHN0LXNyY2gtY2hubA==' }, 400, 'BadChannelId'],
    [{ 'apns-channel-id': some }, 400, 'ChannelNotRegistered'],
    [{ 'apns-push-type': '' }, 400, 'MissingPushType'],
    [{ 'apns-push-type': 'alert' }, 400, 'InvalidPushType'],
    [{ 'apns-priority': '3' }, 400, 'BadPriority'],
    [{ 'apns-expiration': 'soon' }, 400, 'BadExpirationDate'],
    [{ 'apns-id': 'x' }, 400, 'BadMessageId'],
    [{ 'apns-request-id': 'x' }, 400, 'BadRequestParams'],
  ] as const)('a broadcast with %j is answered %i %s', async (headers, status, reason) => {
    const sent = await provider.publish(some, headers)
    expect(sent).toMatchObject({ status, reason })
    expect(sent.headers['apns-request-id']).toMatch(/^[0-9A-F-]{36}$/i)
  })

  it.each([
    [{ body: '{"a":1' }, 400, 'PayloadEmpty'],
    [{ body: `{"a":"${'x'.repeat(5_120)}"}` }, 413, 'PayloadTooLarge'],
    [{ path: '/4/broadcasts/apps/com.example.other' }, 403, 'TopicMismatch'],
    [{ path: '/4/broadcasts/x' }, 404, 'BadPath'],
    [{ method: 'PUT' }, 405, 'MethodNotAllowed'],
  ] as const)('a broadcast with %j is answered %i %s', async (more, status, reason) => {
    expect(await provider.publish(some, {}, more)).toMatchObject({ status, reason })
  })

  it('a channel without storage takes no expiration', async () => {
    const channel = await provider.create(0)
    const later = String(Math.floor(Date.now() / 1_000) + 60)
    const sent = await provider.publish(channel, { 'apns-expiration': later })
    expect(sent).toMatchObject({ status: 400, reason: 'BadExpirationDate' })
  })

  it.each([
    ['POST', {}, { body: '{}' }, 400, 'BadRequestPayload'],
    ['POST', {}, { body: '{"message-storage-policy":1}' }, 400, 'MissingPushType'],
    ['GET', {}, {}, 400, 'MissingChannelId'],
    ['GET', { 'apns-channel-id': '#' }, {}, 400, 'BadChannelId'],
    ['DELETE', { 'apns-channel-id': some }, {}, 400, 'ChannelNotRegistered'],
    ['GET', {}, { path: '/1/apps/com.example.other/all-channels' }, 403, 'TopicMismatch'],
    ['GET', {}, { path: `/1/apps/${APP}/all` }, 404, 'BadPath'],
    ['PATCH', {}, {}, 405, 'MethodNotAllowed'],
  ] as const)('%s of channels with %j %j is answered %i %s', async (...asked) => {
    const [method, headers, more, status, reason] = asked
    expect(await provider.manage(method, headers, more)).toMatchObject({ status, reason })
  })

  it('nobody is let in without a credential', async () => {
    const path = `/1/apps/${APP}/all-channels`
    const sent = await requestByToken(target, { method: 'GET', path }, '')
    expect(sent).toMatchObject({ status: 403, reason: 'MissingProviderToken' })
  })

  it('both ports take both families of paths', async () => {
    const other = new ChannelProvider(target, target.local.channels.url)
    const channel = await provider.create(0)
    expect((await other.publish(channel)).status).toBe(200)
    expect(await provider.publish(await other.create(0))).toMatchObject({ status: 200 })
    other.close()
  })
})
