import type { Topic } from '@heliograph/protocol/identifiers'
import type { PushType } from '@heliograph/protocol/push-type'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { type AuthenticatedProvider, resolveTopic } from '../trust/authenticated-provider.ts'
import type { AcceptPorts } from './accept-ports.ts'
import { authenticate } from './authenticate.ts'
import { checkId, findDuplicate, type ProviderRequest } from './provider-request.ts'
import { readSendOptions, type SendOptions } from './send-options.ts'

/** What a valid request asks for; its device tokens are still to be checked. */
export interface Send {
  readonly provider: AuthenticatedProvider
  readonly topic: Topic
  readonly options: SendOptions
  readonly payload: string
}

/** Reads a body of one of the two shapes. */
export type ReadBody<Body extends Pick<Send, 'payload'>> = (
  body: ProviderRequest['body'],
  pushType: PushType,
) => Body | Rejection

/** All checks of a request before those of its device tokens, in the order of apns-contract §8. */
export async function judgeRequest<Body extends Pick<Send, 'payload'>>(
  request: ProviderRequest,
  readBody: ReadBody<Body>,
  ports: AcceptPorts,
): Promise<(Send & Body) | Rejection> {
  const { headers } = request
  const duplicate = findDuplicate(headers)
  if (duplicate) return duplicate
  const provider = await authenticate(request, ports)
  if (isRejection(provider)) return provider
  if (!ports.providerRate.take(provider.id, ports.clock.now())) return tooManyOfProvider
  const badId = checkId(headers['apns-id'])
  if (badId) return badId
  const topic = resolveTopic(provider, headers['apns-topic'])
  if (typeof topic !== 'string') return topic
  const options = readSendOptions(headers, topic)
  if (isRejection(options)) return options
  const body = readBody(request.body, options.pushType)
  return isRejection(body) ? body : { provider, topic, options, ...body }
}

export const tooManyOfProvider = reject(
  'TooManyRequests',
  'too many notifications with this credential: send more slowly, or ask the operator for more',
)
