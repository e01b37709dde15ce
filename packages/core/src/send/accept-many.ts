import type { NotificationId } from '@heliograph/protocol/identifiers'
import { admitted, isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { multicastsOf } from '../multicast.ts'
import type { Notification } from '../notification.ts'
import { outcomeOf } from '../outcome.ts'
import type { AcceptPorts } from './accept-ports.ts'
import { admit, notificationFor } from './admit.ts'
import { type Answer, manyAnswer, rejectionAnswer } from './answer.ts'
import { judgeRequest, type Send, tooManyOfProvider } from './judge-request.ts'
import { type MulticastBody, readMulticastBody } from './multicast-body.ts'
import { newId, type ProviderRequest } from './provider-request.ts'
import { recipientId } from './recipient-id.ts'

/**
 * `POST /3/devices`: a fault of the whole request is refused once, as for a single notification; otherwise each token has its own result, in the order of the tokens. A recipient is answered 200 only once the queue holds it (I6).
 */
export async function acceptMany(
  request: ProviderRequest,
  id: NotificationId,
  ports: AcceptPorts,
): Promise<Answer> {
  const send = await judgeRequest(request, readMulticastBody, ports)
  if (isRejection(send)) return rejectionAnswer(id, send)
  const chosen = request.headers['apns-id'] === undefined ? undefined : id
  const judged = await judgeRecipients(send, chosen, ports)
  const held = await enqueue(admitted(judged), ports)
  return manyAnswer(
    id,
    judged.map((one) => (isRejection(one) || held.has(one) ? one : notQueued)),
  )
}

const notQueued = reject('ServiceUnavailable', 'the queue did not take it: send again later')

async function judgeRecipients(
  send: Send & MulticastBody,
  chosen: NotificationId | undefined,
  ports: AcceptPorts,
): Promise<(Notification | Rejection)[]> {
  const granted = grantedTo(send, ports)
  const targets = await admit(send.tokens.slice(0, granted), send, ports)
  const common = { ...send, idFromProvider: chosen !== undefined, acceptedAt: ports.clock.now() }
  const judged = targets.map(async (target) => {
    if (isRejection(target)) return target
    const id = chosen ? recipientId(chosen, target.token) : newId(ports.ids)
    return notificationFor(target, id, common, ports)
  })
  const beyond = send.tokens.slice(granted).map(() => tooManyOfProvider)
  return [...(await Promise.all(judged)), ...beyond]
}

/**
 * How many recipients the provider's share has room for; the tokens of the rest are not examined.
 */
function grantedTo(
  { provider, tokens }: Send & MulticastBody,
  { providerRate, clock }: AcceptPorts,
): number {
  // the request itself counted as the first
  let granted = 1
  while (granted < tokens.length && providerRate.take(provider.id, clock.now())) granted += 1
  return granted
}

/** The ones that the queue holds. */
async function enqueue(
  notifications: readonly Notification[],
  { queue, outcomes, clock }: AcceptPorts,
): Promise<ReadonlySet<Notification>> {
  const multicasts = multicastsOf(
    notifications.map((notification) => ({ notification, receives: 0 })),
  )
  if (multicasts.length === 0) return new Set()
  const held = await queue.sendMulticasts(multicasts)
  for (const multicast of multicasts) {
    const accepted = multicast.filter(({ notification }) => held.has(notification))
    const now = clock.now()
    if (accepted.length > 0)
      outcomes.recordTogether(accepted.map((one) => outcomeOf('accepted', one.notification, now)))
  }
  return held
}
