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
import type { Ids, NotificationQueue, Outcomes, Registration, TokenKeyRing } from './ports.ts'
import {
  checkId,
  chooseId,
  expirationOf,
  findDuplicate,
  type ProviderRequest,
  readDevicePath,
  readPayload,
  readSendOptions,
  type SendOptions,
} from './provider-request.ts'
import { resolveTopic } from './provider-trust.ts'
import { isRejection, type Rejection, reject } from './rejection.ts'
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
  const topic = resolveTopic(certificate, request.headers['apns-topic'])
  if (typeof topic !== 'string') return topic
  const send = readSend(request, path.tokenText, topic)
  if (isRejection(send)) return send
  return admit(send, id, request.headers['apns-id'] !== undefined, ports)
}

function readSend(request: ProviderRequest, tokenText: string, topic: Topic): Send | Rejection {
  const options = readSendOptions(request.headers, topic)
  if (isRejection(options)) return options
  const payload = readPayload(request.body, options.pushType)
  if (isRejection(payload)) return payload
  return { tokenText, topic, options, payload: payload.text }
}

/** Token trust: whose token it is, whether it is still registered, and for this topic. */
async function admit(
  send: Send,
  id: NotificationId,
  idFromProvider: boolean,
  ports: AcceptPorts,
): Promise<Notification | Rejection> {
  const token = parseDeviceToken(send.tokenText)
  const opened = token && (await openWith(ports.ring, token))
  if (!token || !opened)
    return reject('BadDeviceToken', 'this is not a device token of this service')
  if (!isForTopic(opened, send.topic))
    return reject('DeviceTokenNotForTopic', `the device token is not for topic ${send.topic}`)
  const dead = judgeRegistration(await ports.registrations.find(opened.deviceId, send.topic))
  if (dead) return dead
  if (!ports.rate.take(token, ports.clock.now()))
    return reject('TooManyRequests', 'too many notifications for this device token: send later')
  return notificationOf(send, token, opened, { id, idFromProvider }, ports)
}

async function openWith(ring: TokenKeyRing, token: DeviceToken): Promise<OpenedToken | undefined> {
  return openToken(await ring.keys(), token) ?? openToken(await ring.refreshed(), token)
}

function judgeRegistration(registration: Registration | undefined): Rejection | undefined {
  if (registration?.live) return undefined
  return registration?.unregisteredAt === undefined
    ? reject('BadDeviceToken', 'this is not a device token of this service')
    : reject('Unregistered', 'the device token is dead: remove it', registration.unregisteredAt)
}

function notificationOf(
  send: Send,
  token: DeviceToken,
  opened: OpenedToken,
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
