import {
  type NotificationId,
  parseNotificationId,
  type Topic,
} from '@heliograph/protocol/identifiers'
import type { ReceiptAnswer } from '@heliograph/protocol/messages'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import type { Ids, Receipts } from '../ports.ts'
import type { RateLimit } from '../rate-limit.ts'
import { type Answer, jsonAnswer, rejectionAnswer } from '../send/answer.ts'
import { type AuthenticatePorts, authenticate } from '../send/authenticate.ts'
import { chooseId, type ProviderRequest } from '../send/provider-request.ts'
import type { AuthenticatedProvider } from '../trust/authenticated-provider.ts'
import { type Receipt, receiptsOf } from './receipt.ts'

export interface ReadReceiptPorts extends AuthenticatePorts {
  readonly ids: Ids
  readonly receipts: Pick<Receipts, 'find'>
  /** A look-up may read a megabyte: no provider may use up the table's capacity. */
  readonly providerRate: RateLimit<AuthenticatedProvider['id']>
}

const PATH = '/3/notification/'

/**
 * `GET /3/notification/<apns-id or apns-unique-id>`: what happened to a notification whose topic the credential names. Every other id gets the same answer, so that nobody learns which ids others use.
 */
export async function readReceipt(
  request: ProviderRequest,
  ports: ReadReceiptPorts,
): Promise<Answer> {
  const id = chooseId(request.headers['apns-id'], () => ports.ids.uuid())
  const result = await read(request, ports)
  return isRejection(result) ? rejectionAnswer(id, result) : jsonAnswer(id, result)
}

const unknown = reject(
  'BadPath',
  'no receipt is known under this id for your topics: see docs/provider-api.md, "What became of it"',
)

async function read(
  request: ProviderRequest,
  ports: ReadReceiptPorts,
): Promise<ReceiptAnswer | Rejection> {
  if (request.method !== 'GET') return reject('MethodNotAllowed', `${request.method} is not GET`)
  const provider = await authenticate(request, ports)
  if (isRejection(provider)) return provider
  if (!ports.providerRate.take(provider.id, ports.clock.now()))
    return reject('TooManyRequests', 'too many requests with this credential: ask more slowly')
  const asked = parseNotificationId(request.path.slice(PATH.length))
  if (!asked) return unknown
  const named = new Set<string>(provider.topics)
  const outcomes = await ports.receipts.find(asked)
  const own = receiptsOf(outcomes.filter(({ topic }) => named.has(topic)))
  const [newest, ...others] = own
  return newest ? answerOf(newest, others) : unknown
}

function answerOf(receipt: Receipt, others: readonly Receipt[]): ReceiptAnswer {
  // only the operator may see the device id: a provider knows the device by its token
  const { deviceId: _, id, topic, events, ...rest } = receipt
  return {
    ...rest,
    id: id as NotificationId,
    topic: topic as Topic,
    events: [...events],
    ...(others.length > 0 && { others: others.map(({ uniqueId }) => uniqueId) }),
  }
}
