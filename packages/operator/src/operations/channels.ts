import { type ChannelId, parseChannelId, parseTopic } from '@heliograph/protocol/identifiers'
import type { ChannelList, ChannelSettings } from '@heliograph/protocol/messages'
import type { StoragePolicy } from '@heliograph/protocol/storage-policy'
import { Failure } from '../failure.ts'
import type { Edge, EdgeAnswer, EdgeRequest } from './edge.ts'
import { explainAnswer } from './explain.ts'
import { parseReason, type SendResult, sendResult } from './send.ts'

/** Channels of one app, by the calls that its providers make: whoever has its credential may. */
export interface AppChannels {
  readonly edge: Edge
  /** The bundle id. */
  readonly app: string
}

/** A channel as its provider sees it. */
export interface ChannelView {
  readonly channel: string
  /** 0: it stores nothing; 1: it stores the latest broadcast. */
  readonly storagePolicy: StoragePolicy
}

export async function createChannel(
  at: AppChannels,
  storagePolicy: StoragePolicy,
): Promise<ChannelView> {
  const settings: ChannelSettings = {
    'message-storage-policy': storagePolicy,
    'push-type': 'LiveActivity',
  }
  const { headers } = await call(at, 'POST', 'channels', { body: JSON.stringify(settings) })
  return { channel: headers['apns-channel-id'] ?? '', storagePolicy }
}

export async function listChannels(at: AppChannels): Promise<readonly string[]> {
  const { body } = await call(at, 'GET', 'all-channels')
  return (JSON.parse(body) as ChannelList).channels
}

export async function showChannel(at: AppChannels, channel: ChannelId): Promise<ChannelView> {
  const { body } = await call(at, 'GET', 'channels', { headers: named(channel) })
  const settings = JSON.parse(body) as ChannelSettings
  return { channel, storagePolicy: settings['message-storage-policy'] }
}

/** Permanently: nobody hears it any more, and what it stores is removed. */
export async function deleteChannel(at: AppChannels, channel: ChannelId): Promise<void> {
  await call(at, 'DELETE', 'channels', { headers: named(channel) })
}

/** A broadcast as a provider specifies it; absent fields are left to the service. */
export interface BroadcastOrder {
  readonly channel: ChannelId
  /** JSON text, sent byte for byte. */
  readonly payload: string
  readonly priority?: string | undefined
  readonly expiration?: string | undefined
  readonly id?: string | undefined
}

/** Publishes to everyone who has joined the channel. Nothing is checked here: the edge is the judge. */
export async function publishToChannel(
  { edge, app }: AppChannels,
  { channel, payload, priority, expiration, id }: BroadcastOrder,
): Promise<SendResult> {
  const answer = await edge.request({
    method: 'POST',
    path: `/4/broadcasts/apps/${encodeURIComponent(app)}`,
    headers: {
      ...named(channel),
      'apns-push-type': 'liveactivity',
      ...(priority !== undefined && { 'apns-priority': priority }),
      ...(expiration !== undefined && { 'apns-expiration': expiration }),
      ...(id !== undefined && { 'apns-id': id }),
    },
    body: payload,
  })
  return sendResult(answer)
}

/** @throws Failure if the text cannot be the id of a channel. */
export function checkChannelId(text: string): ChannelId {
  const channel = parseChannelId(text)
  if (channel) return channel
  throw new Failure('usage', `"${text}" is not a channel id: it has 24 letters and digits`)
}

/** @throws Failure if the text is not a bundle id. */
export function checkApp(text: string | undefined): string {
  if (text !== undefined && parseTopic(text)) return text
  throw new Failure(
    'usage',
    text === undefined
      ? 'say whose channels: --topic BUNDLE-ID'
      : `"${text}" is not a bundle id, such as com.example.app`,
  )
}

const named = (channel: ChannelId) => ({ 'apns-channel-id': channel })

async function call(
  { edge, app }: AppChannels,
  method: EdgeRequest['method'],
  family: 'channels' | 'all-channels',
  more: Pick<EdgeRequest, 'headers' | 'body'> = {},
): Promise<EdgeAnswer> {
  const path = `/1/apps/${encodeURIComponent(app)}/${family}`
  const answer = await edge.request({ method, path, ...more })
  if (answer.status < 300) return answer
  throw refusal(answer)
}

function refusal({ status, body, headers }: EdgeAnswer): Failure {
  const reason = parseReason(body)
  const { advice } = explainAnswer(status, reason)
  const why = headers['heliograph-detail'] ?? body
  const kind = reason === 'ChannelNotRegistered' ? 'notFound' : 'refused'
  return new Failure(
    kind,
    `the edge refused this with ${status} ${reason ?? ''}: ${why}. ${advice}`,
  )
}
