import {
  type ChannelId,
  parseChannelId,
  parseNotificationId,
  type Topic,
} from '@heliograph/protocol/identifiers'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { authenticate } from '../send/authenticate.ts'
import { findDuplicate, type ProviderRequest } from '../send/provider-request.ts'
import type { AuthenticatedProvider } from '../trust/authenticated-provider.ts'
import type { ChannelPorts } from './channel-ports.ts'

/**
 * Whose request it is, and for which topic. No channel is looked up before this is known, and none of
 * another topic: no credential learns anything about channels of topics that it does not name.
 */
export async function admitProvider(
  request: ProviderRequest,
  bundleId: string,
  ports: ChannelPorts,
): Promise<Topic | Rejection> {
  const duplicate = findDuplicate(request.headers)
  if (duplicate) return duplicate
  const provider = await authenticate(request, ports)
  if (isRejection(provider)) return provider
  if (!ports.providerRate.take(provider.id, ports.clock.now())) return tooMany
  const badId = checkRequestId(request.headers['apns-request-id'])
  return badId ?? ownTopic(provider, bundleId)
}

const tooMany = reject(
  'TooManyRequests',
  'too many requests with this credential: send more slowly, or ask the operator for more',
)

export function checkRequestId(header: string | undefined): Rejection | undefined {
  return header === undefined || parseNotificationId(header)
    ? undefined
    : reject('BadRequestParams', 'apns-request-id is not a UUID of the form 8-4-4-4-12')
}

function ownTopic({ credential, topics }: AuthenticatedProvider, bundleId: string) {
  return (
    topics.find((topic) => topic === bundleId) ??
    reject('TopicMismatch', `the bundle id in the path is not a topic of this ${credential}`)
  )
}

/** Apple's ids can have any length, so one that cannot be from here is a bad one, not an unknown one. */
export function readChannelId(headers: ProviderRequest['headers']): ChannelId | Rejection {
  const text = headers['apns-channel-id']
  if (!text) return reject('MissingChannelId', 'the request names no channel: send apns-channel-id')
  return (
    parseChannelId(text) ?? reject('BadChannelId', 'apns-channel-id is not 24 letters and digits')
  )
}

export const notRegistered = reject(
  'ChannelNotRegistered',
  'this bundle id has no such channel: was it deleted, or created at another stage?',
)
