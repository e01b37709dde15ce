import type { Answer } from '../send/answer.ts'
import { chooseId, type ProviderRequest } from '../send/provider-request.ts'
import { isChannelPath } from './channel-path.ts'

/**
 * Adds `apns-request-id` to the answer of a call about channels: the request's own id, or a new one.
 * Answers to other requests have none.
 */
export function withRequestId(
  answer: Answer,
  { path, headers }: Pick<ProviderRequest, 'path' | 'headers'>,
  uuid: () => string,
): Answer {
  if (!isChannelPath(path)) return answer
  const requestId = chooseId(headers['apns-request-id'], uuid)
  return { ...answer, headers: { ...answer.headers, 'apns-request-id': requestId } }
}
