import type { NotificationId } from '@heliograph/protocol/identifiers'
import { isRejection, type Rejection } from '@heliograph/protocol/rejection'
import type { Notification } from '../notification.ts'
import { outcomeOf } from '../outcome.ts'
import { acceptMany } from './accept-many.ts'
import type { AcceptPorts } from './accept-ports.ts'
import { admit, notificationFor, type Target } from './admit.ts'
import { type Answer, acceptedAnswer, rejectionAnswer } from './answer.ts'
import { judgeRequest } from './judge-request.ts'
import { readPayload } from './payload.ts'
import { chooseId, type ProviderRequest, readPath } from './provider-request.ts'

/**
 * `POST /3/device/{token}` and `POST /3/devices`: checks a request in the order of apns-contract §8 and answers 200 only once the queue holds the notification (I6). Faults of the ports are thrown; the handler turns them into 503, never 200.
 */
export async function accept(request: ProviderRequest, ports: AcceptPorts): Promise<Answer> {
  const id = chooseId(request.headers['apns-id'], () => ports.ids.uuid())
  const path = readPath(request)
  if (isRejection(path)) return rejectionAnswer(id, path)
  if (path.tokenText === undefined) return acceptMany(request, id, ports)
  const judged = await judgeOne(request, path.tokenText, id, ports)
  if (isRejection(judged)) return rejectionAnswer(id, judged)
  await ports.queue.send(judged)
  ports.outcomes.record(outcomeOf('accepted', judged, ports.clock.now()))
  return acceptedAnswer(id, judged.uniqueId)
}

async function judgeOne(
  request: ProviderRequest,
  tokenText: string,
  id: NotificationId,
  ports: AcceptPorts,
): Promise<Notification | Rejection> {
  const send = await judgeRequest(request, readPayload, ports)
  if (isRejection(send)) return send
  const [target] = (await admit([tokenText], send, ports)) as [Target | Rejection]
  if (isRejection(target)) return target
  const idFromProvider = request.headers['apns-id'] !== undefined
  return notificationFor(
    target,
    id,
    { idFromProvider, acceptedAt: ports.clock.now(), ...send },
    ports,
  )
}
