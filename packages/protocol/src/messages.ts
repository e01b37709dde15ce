import {
  type ChannelId,
  type DeviceId,
  type DeviceToken,
  type NotificationId,
  patterns,
  type Seq,
  type Topic,
} from './identifiers.ts'
import {
  MAX_ACTIVATION_CODE_CHARACTERS,
  MAX_BROKER_CA_CHARACTERS,
  MAX_COLLAPSE_ID_BYTES,
  MAX_CSR_CHARACTERS,
  MAX_HOST_CHARACTERS,
  MAX_TOKENS,
} from './limits.ts'
import { type downTopics, type Upstream, upstreams } from './mqtt-topic.ts'
import { announcedOutcomes, outcomeKinds } from './outcome.ts'
import { type Priority, priorities } from './priority.ts'
import { type PushType, pushTypes } from './push-type.ts'
import {
  activationStatuses,
  connectReasons,
  deadTokenReasons,
  deviceErrorReasons,
  feedbackReasons,
} from './reasons.ts'
import {
  anyObject,
  boolean,
  closed,
  constant,
  integer,
  list,
  type Of,
  oneOf,
  open,
  type Shape,
  text,
} from './shape.ts'
import { storagePolicies } from './storage-policy.ts'

const topic = text<Topic>({ pattern: patterns.topic.source })
const token = text<DeviceToken>({ pattern: patterns.deviceToken.source })
/** In the letter case that its provider or this service chose; a schema has no flag for that. */
const notificationId = text<NotificationId>({
  pattern: patterns.notificationId.source.replaceAll('a-f', 'A-Fa-f'),
})
const csr = text({ maxLength: MAX_CSR_CHARACTERS })
/** What a device writes; it is parsed before anything believes it. */
const unparsed = { topic: text(topic.schema), token: text(token.schema) }

const registration = open({ topic: unparsed.topic })

/** What a device publishes; of several, one. */
export const upMessages = {
  register: [registration],
  connect: [open({ tokens: list(unparsed.token, { maxItems: MAX_TOKENS }) })],
  unregister: [registration],
  renew: [open({ csr }), open({ inUse: constant(true) })],
} as const satisfies Record<Upstream, readonly Shape<object>[]>

/** The message of one request. */
export type UpMessage<Name extends Upstream> = Of<(typeof upMessages)[Name][number]>

const tokenMessage = closed({ topic, token })

/** The messages that a device receives, by the name of their topic in `downTopics`. */
export const downMessages = {
  token: tokenMessage,
  connected: closed({
    accepted: list(topic),
    renewed: list(tokenMessage),
    // as the device presented it, cut to the length of a token
    rejected: list(closed({ token: text({ maxLength: 64 }), reason: oneOf(connectReasons) })),
  }),
  notification: open(
    {
      id: text<NotificationId>(),
      uniqueId: text(),
      topic,
      seq: text<Seq>({ pattern: patterns.seq.source }),
      acceptedAt: integer,
      stored: boolean,
      expiration: integer,
      priority: oneOf<Priority>(priorities),
      pushType: oneOf(Object.keys(pushTypes) as PushType[]),
      payload: anyObject,
    },
    {
      collapseId: text({ maxLength: MAX_COLLAPSE_ID_BYTES }),
      pending: constant('perCollapseId'),
    },
  ),
  certificate: closed({ certificate: text() }),
  // without a broker: stay, whatever was said before
  move: closed(
    {},
    {
      mqtt: closed({
        host: text({ minLength: 1, maxLength: MAX_HOST_CHARACTERS }),
        port: integer,
        ca: text({ maxLength: MAX_BROKER_CA_CHARACTERS }),
      }),
    },
  ),
  error: closed({
    reason: oneOf(deviceErrorReasons),
    request: closed({ kind: oneOf(upstreams) }, { topic }),
  }),
} as const satisfies Record<keyof typeof downTopics, Shape<object>>

/** The message on one topic. */
export type DownMessage<Name extends keyof typeof downTopics> = Of<(typeof downMessages)[Name]>

/**
 * A broadcast, on the topic of its channel (QoS 1): the fields of `downMessages.notification` with
 * `channel`, and without `stored`, `collapseId` and `pending`. `stored` is the packet's RETAIN flag: the broker
 * had kept it for whoever joins later. `topic` is the app's bundle id, never with a suffix;
 * `expiration` is UNIX seconds, 0 = never stored. A reader ignores fields that it does not know, and
 * takes nothing over whose `channel` is not the one of the MQTT topic that it came on. An empty
 * message is none: it is how MQTT removes what is retained, when a channel is deleted, and it is
 * acknowledged and dropped without an error.
 */
export const broadcastMessage = open({
  id: text<NotificationId>(),
  uniqueId: text(),
  channel: text<ChannelId>({ pattern: patterns.channelId.source }),
  topic,
  seq: text<Seq>({ pattern: patterns.seq.source }),
  acceptedAt: integer,
  expiration: integer,
  priority: oneOf<Priority>(priorities),
  pushType: constant('liveactivity'),
  payload: anyObject,
})

export type BroadcastMessage = Of<typeof broadcastMessage>

/** `GET /1/apps/<bundleId>/channels`, and the body that creates a channel (Apple's names). */
export const channelSettings = closed({
  'message-storage-policy': oneOf(storagePolicies),
  'push-type': constant('LiveActivity'),
})

export type ChannelSettings = Of<typeof channelSettings>

/** `GET /1/apps/<bundleId>/all-channels`: every channel of the topic, in no particular order. */
export const channelList = closed({
  channels: list(text<ChannelId>({ pattern: patterns.channelId.source })),
})

export type ChannelList = Of<typeof channelList>

/** `POST /activate` and its answers: `answer` with 201, `refusal` with any other status. */
export const activationMessages = {
  request: open({
    csr,
    activationCode: text({ minLength: 1, maxLength: MAX_ACTIVATION_CODE_CHARACTERS }),
  }),
  answer: closed({
    deviceId: text<DeviceId>({ pattern: patterns.deviceId.source }),
    certificate: text(),
    mqtt: closed({ host: text(), port: integer, ca: text() }),
    publish: closed({ register: text(), connect: text(), unregister: text(), renew: text() }),
  }),
  refusal: closed({
    reason: oneOf(Object.keys(activationStatuses) as (keyof typeof activationStatuses)[]),
    detail: text(),
  }),
} as const

export type ActivationRefusal = Of<typeof activationMessages.refusal>

export type ActivationAnswer = Of<typeof activationMessages.answer>

/** A page of `GET /3/feedback`. A dead token is named; of a lost notification, only its id. */
export const feedbackPage = closed({
  feedback: list(
    closed({ timestamp: integer, reason: oneOf(feedbackReasons) }, { token, id: notificationId }),
  ),
  cursor: text(),
})

export type FeedbackPage = Of<typeof feedbackPage>

/**
 * What a subscriber of the stage's SNS topic gets, one per message; times are milliseconds since
 * the epoch. It contains neither a payload nor a live token.
 */
export const announcements = {
  /**
   * An outcome of a notification; acceptance is not included, because its provider knows already.
   */
  notification: open(
    {
      type: constant('notification'),
      outcome: oneOf(announcedOutcomes),
      topic,
      id: notificationId,
      uniqueId: text(),
      pushType: text(),
      priority: integer,
      acceptedAt: integer,
      at: integer,
      age: integer,
    },
    { reason: oneOf(feedbackReasons), replacedBy: text() },
  ),
  /** That a token is dead: nothing that is sent to it from now on is accepted. */
  token: open({
    type: constant('token'),
    outcome: constant('dead-token'),
    topic,
    token,
    reason: oneOf(deadTokenReasons),
    at: integer,
  }),
} as const

export type Announcement = Of<(typeof announcements)[keyof typeof announcements]>

/** `GET /3/notification/<id>`: what happened to one notification; times are milliseconds since the epoch. */
export const receiptAnswer = closed(
  {
    id: notificationId,
    uniqueId: text(),
    topic,
    pushType: text(),
    priority: integer,
    state: oneOf(outcomeKinds),
    events: list(
      closed(
        { kind: oneOf(outcomeKinds), at: integer, age: integer },
        { repeat: constant(true), replacedBy: text() },
      ),
    ),
  },
  { incomplete: constant(true), others: list(text()) },
)

export type ReceiptAnswer = Of<typeof receiptAnswer>
