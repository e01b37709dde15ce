import type { ChannelId, NotificationId, Topic } from '@heliograph/protocol/identifiers'
import { MAX_BROADCAST_BYTES } from '@heliograph/protocol/limits'
import type { Priority } from '@heliograph/protocol/priority'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { readPayloadWithin } from '../send/payload.ts'
import { checkId, type ProviderRequest } from '../send/provider-request.ts'
import { readExpiration, readPriority } from '../send/send-options.ts'
import { type Broadcast, broadcastText, publishedOutcome, storedUntil } from './broadcast.ts'
import type { ChannelPorts } from './channel-ports.ts'
import { notRegistered, readChannelId } from './channel-request.ts'

interface PublishHeaders {
  readonly channel: ChannelId
  readonly priority: Priority
  /** UNIX seconds, as asked for. */
  readonly expiration: number | undefined
}

/** What a request to publish says, before its channel is looked up. */
interface Publish extends PublishHeaders {
  readonly payload: string
}

/**
 * `POST /4/broadcasts/apps/<bundleId>`: returns the broadcast only once the broker has it. Faults of
 * the ports are thrown; the handler turns them into 503, never 200.
 */
export async function publish(
  topic: Topic,
  id: NotificationId,
  request: ProviderRequest,
  ports: ChannelPorts,
): Promise<Broadcast | Rejection> {
  const read = readPublish(request)
  if (isRejection(read)) return read
  const broadcast = await broadcastOf(topic, id, { ...read, request }, ports)
  return isRejection(broadcast) ? broadcast : send(broadcast, ports)
}

function readPublish({ headers, body }: ProviderRequest): Publish | Rejection {
  const read = readPublishHeaders(headers)
  if (isRejection(read)) return read
  const payload = readPayloadWithin(body, MAX_BROADCAST_BYTES)
  return isRejection(payload) ? payload : { ...read, ...payload }
}

export function readPublishHeaders(
  headers: ProviderRequest['headers'],
): PublishHeaders | Rejection {
  const badId = checkId(headers['apns-id']) ?? checkPushType(headers['apns-push-type'])
  if (badId) return badId
  const channel = readChannelId(headers)
  if (typeof channel === 'object') return channel
  const priority = readPriority(headers['apns-priority'])
  if (typeof priority === 'object') return priority
  const expiration = readExpiration(headers['apns-expiration'])
  return typeof expiration === 'object' ? expiration : { channel, priority, expiration }
}

function checkPushType(header: string | undefined): Rejection | undefined {
  if (!header) return reject('MissingPushType', 'send apns-push-type: liveactivity')
  return header === 'liveactivity'
    ? undefined
    : reject(
        'InvalidPushType',
        'apns-push-type is not liveactivity, the only one that channels have',
      )
}

async function broadcastOf(
  topic: Topic,
  id: NotificationId,
  asked: Publish & { readonly request: ProviderRequest },
  { channels, clock, ids }: ChannelPorts,
): Promise<Broadcast | Rejection> {
  const { channel, priority, payload, request } = asked
  const found = await channels.find(topic, channel)
  if (!found) return notRegistered
  const acceptedAt = clock.now()
  const expiration = storedUntil(found.storagePolicy, asked.expiration, acceptedAt)
  if (typeof expiration === 'object') return reject('BadExpirationDate', expiration.fault)
  const isOwnId = request.headers['apns-id'] !== undefined
  // if the provider chose no id, one serves as both
  const uniqueId = isOwnId ? ids.uuid() : id.toLowerCase()
  const seq = ids.seq(acceptedAt)
  return { id, uniqueId, channel, topic, seq, acceptedAt, expiration, priority, payload }
}

async function send(broadcast: Broadcast, ports: ChannelPorts): Promise<Broadcast | Rejection> {
  const { channel, expiration, topic } = broadcast
  const sent = await ports.broadcasts.publish(broadcast, broadcastText(broadcast), expiration)
  if (sent === 'busy') return busy
  ports.outcomes.record(publishedOutcome(broadcast, ports.clock.now()))
  // a deletion that came in between may have cleared the channel before this was stored
  if (expiration !== 0 && !(await ports.channels.find(topic, channel)))
    await ports.broadcasts.clear(channel)
  return broadcast
}

const busy = reject(
  'TooManyRequests',
  'the broker takes no more at the moment, or has just stored a broadcast of this channel: send again later',
)
