import {
  type DeviceToken,
  type NotificationId,
  parseDeviceToken,
  type Topic,
} from '@heliograph/protocol/identifiers'
import { admitted, isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { perCollapseIdOf } from '../delivery/pending-rules.ts'
import { sealedLater, type Unsealed } from '../delivery/seal.ts'
import type { Notification } from '../notification.ts'
import type { Registration, TokenKey, TokenKeyRing } from '../ports.ts'
import { isForTopic, type OpenedToken, openToken } from '../token/token.ts'
import type { AcceptPorts } from './accept-ports.ts'
import type { Send } from './judge-request.ts'
import { expirationOf } from './send-options.ts'

/** The device that a token leads to, and which of the credential's topics the token is for. */
export interface Target {
  readonly token: DeviceToken
  readonly fingerprint: OpenedToken['fingerprint']
  readonly deviceId: OpenedToken['deviceId']
  readonly topic: Topic
}

/**
 * Token trust, for each token separately and in order: whose token it is, whether it is still
 * registered, whether it is for this topic, and whether it is used too often.
 */
export async function admit(
  tokens: readonly unknown[],
  send: Send,
  ports: AcceptPorts,
): Promise<(Target | Rejection)[]> {
  const located = await locateAll(tokens, send, ports.ring)
  const registrations = await ports.registrations.findAll(admitted(located))
  let next = 0
  return located.map((one) => {
    if (isRejection(one)) return one
    const registration = registrations[next]
    next += 1
    return judge(one, registration, send, ports) ?? one
  })
}

/** Asks the ring once for all, and once more in case a key is new. */
async function locateAll(
  tokens: readonly unknown[],
  send: Send,
  ring: TokenKeyRing,
): Promise<(Target | Rejection)[]> {
  const keys = await ring.keys()
  const located = tokens.map((text) => locate(text, send, keys))
  const isUnknown = (at: number) => located[at] === notOurs && parseDeviceToken(tokens[at])
  if (!tokens.some((_, at) => isUnknown(at))) return located
  const refreshed = await ring.refreshed()
  // the same keys would give the same result, and computing is most of what garbage costs
  if (refreshed === keys) return located
  return located.map((one, at) => (isUnknown(at) ? locate(tokens[at], send, refreshed) : one))
}

function locate(
  text: unknown,
  { provider, topic }: Send,
  keys: readonly TokenKey[],
): Target | Rejection {
  const token = parseDeviceToken(text)
  const opened = token && openToken(keys, token)
  if (!token || !opened) return notOurs
  const own = isForTopic(opened, topic)
    ? topic
    : provider.topics.find((one) => isForTopic(opened, one))
  return own === undefined
    ? reject('DeviceTokenNotForTopic', `the device token is not for topic ${topic}`)
    : { token, fingerprint: opened.fingerprint, deviceId: opened.deviceId, topic: own }
}

/** The same text for all: it must not tell a forger how far a token got. */
const notOurs = reject(
  'BadDeviceToken',
  'not a device token of this stage: was it issued by another one, or cut off?',
)

/**
 * A dead token is reported before a wrong topic (apns-contract §8), but only to a provider whose
 * credential names the token's topic: nobody else may learn the state of a token.
 */
function judge(
  { token, topic }: Target,
  registration: Registration | undefined,
  send: Send,
  { rate, clock }: AcceptPorts,
): Rejection | undefined {
  if (!registration?.live) return deadToken(registration)
  if (topic !== send.topic)
    return reject(
      'DeviceTokenNotForTopic',
      `the device token is for topic ${topic}, not ${send.topic}`,
    )
  return rate.take(token, clock.now())
    ? undefined
    : reject('TooManyRequests', 'too many notifications for this device token: send later')
}

function deadToken(registration: Registration | undefined): Rejection {
  const { unregisteredAt: at, expiredAt } = registration ?? {}
  if (at === undefined) return notOurs
  return expiredAt === at
    ? reject('ExpiredToken', 'the operator has ended this device token: stop sending to it', at)
    : reject('Unregistered', 'the device has given up the topic: stop sending to this token', at)
}

/** The notification for one device; sealed when somebody first asks for the seal, if anybody does. */
export async function notificationFor(
  { fingerprint, deviceId }: Target,
  id: NotificationId,
  send: Send & Pick<Notification, 'idFromProvider' | 'acceptedAt'>,
  ports: AcceptPorts,
): Promise<Notification> {
  const { acceptedAt } = send
  const { pushType, priority, expiration, collapseId } = send.options
  const perCollapseId = perCollapseIdOf(ports.pendingRules, send.topic)
  const unsealed: Unsealed = {
    id,
    idFromProvider: send.idFromProvider,
    // if the provider chose no id, one serves as both
    uniqueId: send.idFromProvider ? ports.ids.uuid() : id.toLowerCase(),
    seq: ports.ids.seq(acceptedAt),
    deviceId,
    topic: send.topic,
    tokenFingerprint: fingerprint,
    acceptedAt,
    expiration: expirationOf(expiration, acceptedAt, ports.defaultLifetimeSeconds),
    priority,
    pushType,
    ...(collapseId === undefined ? {} : { collapseId }),
    ...(perCollapseId === undefined ? {} : { perCollapseId }),
    payload: send.payload,
  }
  return sealedLater(unsealed, await ports.ring.keys())
}
