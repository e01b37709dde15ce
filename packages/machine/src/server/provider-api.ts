import { type ReadReceiptPorts, readReceipt } from '@heliograph/core/receipts/read-receipt'
import { accept } from '@heliograph/core/send/accept'
import type { AcceptPorts } from '@heliograph/core/send/accept-ports'
import type { Answer } from '@heliograph/core/send/answer'
import { edgeAnswer } from '@heliograph/core/send/edge-answer'
import { type FeedbackPorts, readFeedback } from '@heliograph/core/send/feedback'
import type { ProviderRequest } from '@heliograph/core/send/provider-request'
import { type Head, pathOf } from './exchange.ts'

export type ProviderApiPorts = AcceptPorts & FeedbackPorts & ReadReceiptPorts

const FEEDBACK_PATH = '/3/feedback'
const RECEIPT_PATH = '/3/notification/'

/** Every path and method: accept gets what no other part handles, as it knows Apple's answer. */
export function providerApi(ports: ProviderApiPorts) {
  return (request: ProviderRequest): Promise<Answer> => {
    if (request.method !== 'GET') return accept(request, ports)
    if (request.path === FEEDBACK_PATH) return readFeedback(request, ports)
    return request.path.startsWith(RECEIPT_PATH)
      ? readReceipt(request, ports)
      : accept(request, ports)
  }
}

/** What the server answers before the request is whole, in Apple's words. */
export function providerEdge(uuid: () => string) {
  return (status: number, head: Head): Answer =>
    edgeAnswer(status, { ...head, path: pathOf(head.target) }, uuid)
}
