import { answerChannels } from '@heliograph/core/channels/answer-channels'
import { isChannelPath } from '@heliograph/core/channels/channel-path'
import type { ChannelPorts } from '@heliograph/core/channels/channel-ports'
import { withRequestId } from '@heliograph/core/channels/request-id'
import { edgeAnswer } from '@heliograph/core/edge/edge-answer'
import { type ReadReceiptPorts, readReceipt } from '@heliograph/core/receipts/read-receipt'
import { accept } from '@heliograph/core/send/accept'
import type { AcceptPorts } from '@heliograph/core/send/accept-ports'
import { type Answer, rejectionAnswer } from '@heliograph/core/send/answer'
import { type FeedbackPorts, readFeedback } from '@heliograph/core/send/feedback'
import { chooseId, type ProviderRequest } from '@heliograph/core/send/provider-request'
import { reject } from '@heliograph/protocol/rejection'
import type { Gate } from '../gate.ts'
import { type Head, pathOf } from './exchange.ts'

export type ProviderApiPorts = AcceptPorts & FeedbackPorts & ReadReceiptPorts

/** Whether a machine is on its way to another place; the gate is shut before it says so. */
interface Moving {
  readonly isClosed: boolean
  readonly gate: Pick<Gate, 'pass'>
}

const FEEDBACK_PATH = '/3/feedback'
const RECEIPT_PATH = '/3/notification/'

/** Every path and method: accept gets what no other part handles, as it knows Apple's answer. */
export function providerApi(ports: ProviderApiPorts, channelPorts: ChannelPorts, move: Moving) {
  return (request: ProviderRequest): Promise<Answer> => {
    if (isChannelPath(request.path)) return channelAnswer(request, channelPorts, move)
    if (request.method !== 'GET')
      return move.isClosed ? Promise.resolve(moved(request, ports)) : accept(request, ports)
    if (request.path === FEEDBACK_PATH) return readFeedback(request, ports)
    return request.path.startsWith(RECEIPT_PATH)
      ? readReceipt(request, ports)
      : accept(request, ports)
  }
}

/** An export holds the channels: none is made or deleted, and nothing published, while it is final. */
async function channelAnswer(
  request: ProviderRequest,
  ports: ChannelPorts,
  { gate }: Moving,
): Promise<Answer> {
  if (request.method === 'GET') return answerChannels(request, ports)
  const answer = await gate.pass(() => answerChannels(request, ports))
  return answer === 'shut' ? moved(request, ports) : answer
}

/** Nothing that is sent now would be in the export; a provider that repeats after a 503 loses nothing. */
function moved(request: ProviderRequest, { ids }: Pick<ProviderApiPorts, 'ids'>): Answer {
  const uuid = () => ids.uuid()
  const id = chooseId(request.headers['apns-id'], uuid)
  const detail = 'this service has moved: send to the host name that its operator gives you'
  return withRequestId(rejectionAnswer(id, reject('ServiceUnavailable', detail)), request, uuid)
}

/** What the server answers before the request is whole, in Apple's words. */
export function providerEdge(uuid: () => string) {
  return (status: number, head: Head): Answer =>
    edgeAnswer(status, { ...head, path: pathOf(head.target) }, uuid)
}
