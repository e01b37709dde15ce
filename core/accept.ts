import { type Answer, acceptedAnswer, rejectionAnswer } from './answer.ts'
import { type AuthenticatePorts, authenticate } from './authenticate.ts'
import {
  type DeviceToken,
  type NotificationId,
  parseDeviceToken,
  type Topic,
} from './identifiers.ts'
import type { Notification } from './notification.ts'
import { outcomeOf } from './outcome.ts'
import { readPayload } from './payload.ts'
import type { Ids, NotificationQueue, Outcomes, Registration, TokenKeyRing } from './ports.ts'
import {
  checkId,
  chooseId,
  findDuplicate,
  type ProviderRequest,
  readDevicePath,
} from './provider-request.ts'
import { type ProviderCertificate, resolveTopic } from './provider-trust.ts'
import { isRejection, type Rejection, reject } from './rejection.ts'
import { expirationOf, readSendOptions, type SendOptions } from './send-options.ts'
import { isForTopic, type OpenedToken, openToken } from './token.ts'

export interface AcceptPorts extends AuthenticatePorts {
  readonly ids: Ids
  readonly ring: TokenKeyRing
  /** Only the look-up of accept: it may answer from a cache of a stated age. */
  readonly registrations: {
    find(deviceId: OpenedToken['deviceId'], topic: Topic): Promise<Registration | undefined>
  }
  readonly queue: NotificationQueue
  readonly outcomes: Outcomes
  readonly rate: RateLimit
  readonly defaultLifetimeSeconds: number
}

export interface RateLimit {
  /** Whether this token may have one more notification now. */
  take(token: DeviceToken, nowMs: number): boolean
}

/**
 * `POST /3/device/{token}`: judges a request in the order of apns-contract §8 and answers 200 only
 * when the queue holds the notification (I6). Faults of the ports are thrown; the handler turns them
 * into 503, never 200.
 */
export async function accept(request: ProviderRequest, ports: AcceptPorts): Promise<Answer> {
  const id = chooseId(request.headers['apns-id'], () => ports.ids.uuid())
  const judged = await judge(request, id, ports)
  if (isRejection(judged)) return rejectionAnswer(id, judged)
  await ports.queue.send(judged)
  ports.outcomes.record(outcomeOf('accepted', judged, ports.clock.now()))
  return acceptedAnswer(id, judged.uniqueId)
}

/** What a request asks for once its own words are found good; the device is still to be judged. */
interface Send {
  readonly certificate: ProviderCertificate
  readonly tokenText: string
  readonly topic: Topic
  readonly options: SendOptions
  readonly payload: string
}

async function judge(
  request: ProviderRequest,
  id: NotificationId,
  ports: AcceptPorts,
): Promise<Notification | Rejection> {
  const path = readDevicePath(request)
  if (isRejection(path)) return path
  const duplicate = findDuplicate(request.headers)
  if (duplicate) return duplicate
  const certificate = await authenticate(request, ports)
  if (isRejection(certificate)) return certificate
  const badId = checkId(request.headers['apns-id'])
  if (badId) return badId
  const send = readSend(request, path.tokenText, certificate)
  if (isRejection(send)) return send
  const target = await admit(send, ports)
  if (isRejection(target)) return target
  const identity = { id, idFromProvider: request.headers['apns-id'] !== undefined }
  return notificationOf(send, target, identity, ports)
}

function readSend(
  { headers, body }: ProviderRequest,
  tokenText: string,
  certificate: ProviderCertificate,
): Send | Rejection {
  const topic = resolveTopic(certificate, headers['apns-topic'])
  if (typeof topic !== 'string') return topic
  const options = readSendOptions(headers, topic)
  if (isRejection(options)) return options
  const payload = readPayload(body, options.pushType)
  if (isRejection(payload)) return payload
  return { certificate, tokenText, topic, options, payload: payload.text }
}

/** The device that a token leads to. */
interface Target {
  readonly token: DeviceToken
  readonly opened: OpenedToken
}

/** Token trust: whose token it is, whether it is still registered, for this topic, and not too often. */
async function admit(send: Send, ports: AcceptPorts): Promise<Target | Rejection> {
  const token = parseDeviceToken(send.tokenText)
  const opened = token && (await openWith(ports.ring, token))
  if (!token || !opened) return notOurs
  const dead = await judgeRegistration(opened, send, ports)
  if (dead) return dead
  return ports.rate.take(token, ports.clock.now())
    ? { token, opened }
    : reject('TooManyRequests', 'too many notifications for this device token: send later')
}

/** One text for all: it must not tell a forger how far a token came. */
const notOurs = reject(
  'BadDeviceToken',
  'no device token of this stage: was it issued by another, or cut short?',
)

async function openWith(ring: TokenKeyRing, token: DeviceToken): Promise<OpenedToken | undefined> {
  return openToken(await ring.keys(), token) ?? openToken(await ring.refreshed(), token)
}

/**
 * A dead token is told before one of another topic (apns-contract §8), but only to a provider whose
 * certificate names its topic: the state of a token is nobody else's business.
 */
async function judgeRegistration(
  opened: OpenedToken,
  { certificate, topic }: Send,
  { registrations }: AcceptPorts,
): Promise<Rejection | undefined> {
  const own = [topic, ...certificate.topics].find((one) => isForTopic(opened, one))
  if (!own) return reject('DeviceTokenNotForTopic', `the device token is not for topic ${topic}`)
  const registration = await registrations.find(opened.deviceId, own)
  if (!registration?.live) return deadToken(registration)
  return own === topic
    ? undefined
    : reject('DeviceTokenNotForTopic', `the device token is for topic ${own}, not ${topic}`)
}

function deadToken(registration: Registration | undefined): Rejection {
  const { unregisteredAt: at, expiredAt } = registration ?? {}
  if (at === undefined) return notOurs
  return expiredAt === at
    ? reject('ExpiredToken', 'the operator has ended the device token: send to it no more', at)
    : reject('Unregistered', 'the device has given the topic up: send to the token no more', at)
}

function notificationOf(
  send: Send,
  { token, opened }: Target,
  identity: Pick<Notification, 'id' | 'idFromProvider'>,
  ports: AcceptPorts,
): Notification {
  const now = ports.clock.now()
  const { pushType, priority, expiration, collapseId } = send.options
  return {
    ...identity,
    uniqueId: ports.ids.uuid(),
    seq: ports.ids.seq(now),
    deviceId: opened.deviceId,
    topic: send.topic,
    token,
    acceptedAt: now,
    expiration: expirationOf(expiration, now, ports.defaultLifetimeSeconds),
    priority,
    pushType,
    ...(collapseId === undefined ? {} : { collapseId }),
    payload: send.payload,
  }
}
