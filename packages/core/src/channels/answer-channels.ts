import type { NotificationId } from '@heliograph/protocol/identifiers'
import { isRejection, type Rejection } from '@heliograph/protocol/rejection'
import { type Answer, acceptedAnswer, rejectionAnswer } from '../send/answer.ts'
import { chooseId, type ProviderRequest } from '../send/provider-request.ts'
import type { Broadcast } from './broadcast.ts'
import { type ChannelCall, readChannelPath } from './channel-path.ts'
import type { ChannelPorts } from './channel-ports.ts'
import { admitProvider } from './channel-request.ts'
import {
  createChannel,
  deleteChannel,
  listChannels,
  type Managed,
  readChannel,
} from './manage-channels.ts'
import { publish } from './publish.ts'
import { withRequestId } from './request-id.ts'

/**
 * Apple's five calls about channels: every path for which `isChannelPath` holds, on every front door
 * of providers. Faults of the ports are thrown; the caller turns them into 503.
 */
export async function answerChannels(
  request: ProviderRequest,
  ports: ChannelPorts,
): Promise<Answer> {
  const asked = readChannelPath(request)
  const answer = isRejection(asked)
    ? rejectionAnswer(idOf(request, ports), asked)
    : await answerCall(asked, request, ports)
  return withRequestId(answer, request, () => ports.ids.uuid())
}

function idOf({ headers }: ProviderRequest, { ids }: ChannelPorts): NotificationId {
  return chooseId(headers['apns-id'], () => ids.uuid())
}

async function answerCall(
  { call, bundleId }: ChannelCall,
  request: ProviderRequest,
  ports: ChannelPorts,
): Promise<Answer> {
  const id = idOf(request, ports)
  const topic = await admitProvider(request, bundleId, ports)
  if (call === 'publish') {
    const published = typeof topic === 'object' ? topic : await publish(topic, id, request, ports)
    return publishAnswer(id, published, ports)
  }
  const managed = typeof topic === 'object' ? topic : await managing[call](topic, request, ports)
  return isRejection(managed) ? rejectionAnswer(id, managed) : managedAnswer(managed)
}

const managing = {
  create: createChannel,
  read: readChannel,
  delete: deleteChannel,
  list: listChannels,
} as const

function publishAnswer(
  id: NotificationId,
  published: Broadcast | Rejection,
  { outcomes, clock }: ChannelPorts,
): Answer {
  if (!isRejection(published)) return acceptedAnswer(id, published.uniqueId)
  const { reason } = published
  outcomes.record({ kind: 'refused', id, reason, at: clock.now() })
  return rejectionAnswer(id, published)
}

function managedAnswer({ status, headers = {}, content }: Managed): Answer {
  return content === undefined
    ? { status, headers }
    : { status, headers: { ...headers, 'content-type': 'application/json' }, ...content }
}
