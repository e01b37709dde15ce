import { parseTopic } from '@heliograph/protocol/identifiers'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { type ChannelCall, readChannelPath } from '../channels/channel-path.ts'
import { checkRequestId, readChannelId } from '../channels/channel-request.ts'
import { readPublishHeaders } from '../channels/publish.ts'
import { findDuplicate, type ProviderRequest } from '../send/provider-request.ts'

type RequestHead = Pick<ProviderRequest, 'method' | 'path' | 'headers'>

/** A call about channels whose path cannot be decoded or has no route. */
export function lostCall(head: RequestHead): Rejection {
  const asked = readChannelPath(head)
  return isRejection(asked)
    ? asked
    : reject('BadPath', 'the path cannot be decoded, so it names no bundle id')
}

/**
 * A call about channels whose head is too large: its first fault, in the order of the other calls,
 * as far as the head shows it without a credential. No credential names what is no bundle id.
 */
export function tooLargeCall(head: RequestHead): Rejection {
  const { headers } = head
  const asked = readChannelPath(head)
  if (isRejection(asked)) return asked
  const unfit = findDuplicate(headers) ?? checkRequestId(headers['apns-request-id'])
  if (unfit) return unfit
  if (!parseTopic(asked.bundleId))
    return reject('TopicMismatch', 'what the path names is not a bundle id')
  return faultOf(asked, headers) ?? tooLarge
}

const tooLarge = reject(
  'PayloadTooLarge',
  'the request line and headers have more bytes than the edge accepts',
)

function faultOf(
  { call }: ChannelCall,
  headers: ProviderRequest['headers'],
): Rejection | undefined {
  if (call === 'create' || call === 'list') return undefined
  const read = call === 'publish' ? readPublishHeaders(headers) : readChannelId(headers)
  return typeof read === 'object' && isRejection(read) ? read : undefined
}
