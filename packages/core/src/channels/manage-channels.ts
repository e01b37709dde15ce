import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'
import { MAX_CHANNELS } from '@heliograph/protocol/limits'
import type { ChannelList, ChannelSettings } from '@heliograph/protocol/messages'
import { type Rejection, reject } from '@heliograph/protocol/rejection'
import { parseStoragePolicy, type StoragePolicy } from '@heliograph/protocol/storage-policy'
import type { Channel } from '../ports.ts'
import type { Answer } from '../send/answer.ts'
import { isObject, parseJson, readText } from '../send/payload.ts'
import type { ProviderRequest } from '../send/provider-request.ts'
import { newChannelId } from './channel-id.ts'
import type { ChannelPorts } from './channel-ports.ts'
import { notRegistered, readChannelId } from './channel-request.ts'

/** The successful answer to a request about channels, without the ids that every answer has. */
export interface Managed {
  readonly status: 200 | 201 | 204
  readonly headers?: Readonly<Record<string, string>>
  /** JSON. */
  readonly content?: Pick<Answer, 'body' | 'bytes'>
}

/** Bytes of the body that creates a channel; Apple's two fields take fewer than a hundred. */
const MAX_SETTINGS_BYTES = 4_096

/** `POST /1/apps/<bundleId>/channels` */
export async function createChannel(
  topic: Topic,
  request: ProviderRequest,
  { channels, clock, ids }: ChannelPorts,
): Promise<Managed | Rejection> {
  const storagePolicy = readSettings(request.body)
  if (typeof storagePolicy === 'object') return storagePolicy
  const id = newChannelId(ids)
  const channel: Channel = { id, topic, storagePolicy, createdAt: clock.now() }
  return (await channels.create(channel))
    ? { status: 201, headers: { 'apns-channel-id': id } }
    : reject(
        'CannotCreateChannelConfig',
        `the topic has ${MAX_CHANNELS} channels: delete those that are over`,
      )
}

function readSettings(body: ProviderRequest['body']): StoragePolicy | Rejection {
  if (body.length > MAX_SETTINGS_BYTES)
    return reject(
      'PayloadTooLarge',
      `the body has ${body.length} bytes, over ${MAX_SETTINGS_BYTES}`,
    )
  const text = readText(body)
  const value = typeof text === 'string' ? parseJson(text) : undefined
  if (!isObject(value)) return reject('BadRequestPayload', 'the body is not a JSON object, {…}')
  const settings: { [Key in keyof ChannelSettings]?: unknown } = value
  const storagePolicy = parseStoragePolicy(settings['message-storage-policy'])
  if (storagePolicy === undefined)
    return reject('BadRequestPayload', 'message-storage-policy is neither 0 nor 1')
  return checkPushType(settings['push-type']) ?? storagePolicy
}

/** Apple writes LiveActivity, and node-apn liveactivity. */
function checkPushType(value: unknown): Rejection | undefined {
  if (value === undefined) return reject('MissingPushType', 'the body has no push-type')
  return typeof value === 'string' && value.toLowerCase() === 'liveactivity'
    ? undefined
    : reject('InvalidPushType', 'push-type is not LiveActivity, the only one that channels have')
}

/** `GET /1/apps/<bundleId>/channels` */
export async function readChannel(
  topic: Topic,
  { headers }: ProviderRequest,
  { channels }: ChannelPorts,
): Promise<Managed | Rejection> {
  const id = readChannelId(headers)
  if (typeof id === 'object') return id
  const channel = await channels.find(topic, id)
  if (!channel) return notRegistered
  const value: ChannelSettings = {
    'message-storage-policy': channel.storagePolicy,
    'push-type': 'LiveActivity',
  }
  const content = { body: JSON.stringify(value) }
  return { status: 200, headers: { 'apns-channel-id': id }, content }
}

/** `GET /1/apps/<bundleId>/all-channels` */
export async function listChannels(
  topic: Topic,
  _request: ProviderRequest,
  { channels }: ChannelPorts,
): Promise<Managed> {
  return { status: 200, content: contentOf(await channels.list(topic)) }
}

/** By the list, as long as the store returns the same one. */
const contents = new WeakMap<readonly ChannelId[], NonNullable<Managed['content']>>()

/**
 * With 10,000 channels it has 270 kB: answers that wait for a slow reader share it, and none of them
 * makes it again.
 */
function contentOf(channels: readonly ChannelId[]): NonNullable<Managed['content']> {
  const known = contents.get(channels)
  if (known) return known
  const value: ChannelList = { channels: [...channels] }
  const body = JSON.stringify(value)
  const content = { body, bytes: Buffer.from(body) }
  contents.set(channels, content)
  return content
}

/**
 * `DELETE /1/apps/<bundleId>/channels`. First nobody finds the channel any more, then what it stores
 * is removed, and only then is it forgotten: after a fault the provider deletes it again, and a
 * publish that had found it before clears up after itself (publish.ts).
 */
export async function deleteChannel(
  topic: Topic,
  { headers }: ProviderRequest,
  { channels, broadcasts }: ChannelPorts,
): Promise<Managed | Rejection> {
  const id = readChannelId(headers)
  if (typeof id === 'object') return id
  const channel = await channels.find(topic, id)
  if (!(await channels.close(topic, id))) return notRegistered
  // where nothing can be stored, clearing would only be one more message for each device
  if (channel?.storagePolicy !== 0) await broadcasts.clear(id)
  await channels.forget(topic, id)
  return { status: 204 }
}
