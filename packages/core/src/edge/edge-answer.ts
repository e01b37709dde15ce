import { parseDeviceToken, parseTopic } from '@heliograph/protocol/identifiers'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { isChannelPath } from '../channels/channel-path.ts'
import { withRequestId } from '../channels/request-id.ts'
import { type Answer, rejectionAnswer } from '../send/answer.ts'
import {
  checkId,
  chooseId,
  findDuplicate,
  type ProviderRequest,
  readPath,
} from '../send/provider-request.ts'
import { readSendOptions } from '../send/send-options.ts'
import { lostCall, tooLargeCall } from './channel-call.ts'

type RequestHead = Pick<ProviderRequest, 'method' | 'path' | 'headers'>

/**
 * Apple's answer for a request that the edge answers without a function, by the status that it
 * would give. For edges whose answers can be customized; those of API Gateway's HTTP APIs cannot
 * (docs/provider-api.md).
 */
export function edgeAnswer(status: number, head: RequestHead, uuid: () => string): Answer {
  const answer = rejectionAnswer(chooseId(head.headers['apns-id'], uuid), rejectionOf(status, head))
  return withRequestId(answer, head, uuid)
}

function rejectionOf(status: number, head: RequestHead): Rejection {
  switch (status) {
    case 400:
    case 404:
      return isChannelPath(head.path) ? lostCall(head) : lost(head)
    case 408:
      return reject('IdleTimeout', 'the body of the request did not come to its end in time')
    case 413:
      return reject('PayloadTooLarge', 'the body is larger than the edge accepts')
    case 429:
      return reject('TooManyRequests', 'more requests than this stage accepts at a time: slow down')
    case 431:
      return isChannelPath(head.path) ? tooLargeCall(head) : tooLarge(head)
    case 503:
      return reject('ServiceUnavailable', 'the service did not answer in time: send again later')
    default:
      return reject('InternalServerError', 'the service failed at the edge: send again later')
  }
}

/** A path that cannot be decoded or has no route. */
function lost(head: RequestHead): Rejection {
  const path = readPath(head)
  return isRejection(path)
    ? path
    : reject('BadDeviceToken', 'the path cannot be decoded, so it ends in no device token')
}

/** One part is too long, and usually invalid for that reason alone. */
function tooLarge(head: RequestHead): Rejection {
  const path = readPath(head)
  if (isRejection(path)) return path
  const unfit = findDuplicate(head.headers) ?? checkId(head.headers['apns-id'])
  if (unfit) return unfit
  const topic = head.headers['apns-topic'] ?? ''
  if (topic !== '' && !parseTopic(topic)) return reject('BadTopic', 'apns-topic is not a bundle id')
  const options = readSendOptions(head.headers, topic)
  // a topic that does not fit its push type is not the part that was too large
  if (isRejection(options) && options.reason !== 'BadTopic') return options
  return path.tokenText === undefined || parseDeviceToken(path.tokenText)
    ? reject(
        'PayloadTooLarge',
        'the request line and headers have more bytes than the edge accepts',
      )
    : reject('BadDeviceToken', 'the path does not end in 64 hex digits')
}
