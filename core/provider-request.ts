import { type NotificationId, parseNotificationId } from './identifiers.ts'
import { MAX_LIFETIME_SECONDS, type Priority } from './notification.ts'
import { type PushType, parsePushType, pushTypes } from './push-type.ts'
import { type Rejection, reject } from './rejection.ts'

/** A provider's HTTP request as the front door hands it over. */
export interface ProviderRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Names in lower case; a repeated header's values are joined by commas, as API Gateway does. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
  /** PEM of the verified client certificate, where the front door demanded one. */
  readonly clientCertificate: string | undefined
}

/** All that the headers of a send say, checked; the topic and id are judged elsewhere. */
export interface SendOptions {
  readonly pushType: PushType
  readonly priority: Priority
  /** UNIX seconds, 0 = one attempt, undefined = none given. */
  readonly expiration: number | undefined
  readonly collapseId: string | undefined
}

const DEVICE_PATH = '/3/device/'

/** The device token's text from method and path. */
export function readDevicePath(request: ProviderRequest): { tokenText: string } | Rejection {
  if (request.method !== 'POST') return reject('MethodNotAllowed', `${request.method} is not POST`)
  if (!request.path.startsWith(DEVICE_PATH))
    return reject('BadPath', `the path is not ${DEVICE_PATH}<device token>`)
  const tokenText = request.path.slice(DEVICE_PATH.length)
  return tokenText === ''
    ? reject('MissingDeviceToken', `the path ends before the device token`)
    : { tokenText }
}

/** Headers whose value cannot hold a comma, so that one there means a repeated header. */
const COMMA_FREE = ['apns-id', 'apns-topic', 'apns-push-type', 'apns-priority', 'apns-expiration']

/** API Gateway joins repeated headers with commas and tells nobody. */
export function findDuplicate(headers: ProviderRequest['headers']): Rejection | undefined {
  const name =
    COMMA_FREE.find((candidate) => headers[candidate]?.includes(',')) ??
    (isRepeated(headers['apns-collapse-id']) ? 'apns-collapse-id' : undefined)
  return name === undefined ? undefined : reject('DuplicateHeaders', `${name} stands twice`)
}

/** A collapse id may hold commas: it counts as repeated where it is one text over and over. */
function isRepeated(value: string | undefined): boolean {
  const parts = value?.split(',').map((part) => part.trim()) ?? []
  return parts.length > 1 && parts[0] !== '' && new Set(parts).size === 1
}

/** The id to answer with: the provider's own byte for byte, else a new one in upper case as Apple's. */
export function chooseId(header: string | undefined, uuid: () => string): NotificationId {
  return parseNotificationId(header) ?? (uuid().toUpperCase() as NotificationId)
}

export function checkId(header: string | undefined): Rejection | undefined {
  return header === undefined || parseNotificationId(header)
    ? undefined
    : reject('BadMessageId', 'apns-id is not a UUID of the form 8-4-4-4-12')
}

/** Push type and topic suffix, priority, expiration, collapse id, in this order. */
export function readSendOptions(
  headers: ProviderRequest['headers'],
  topic: string,
): SendOptions | Rejection {
  const pushType = readPushType(headers['apns-push-type'], topic)
  if (typeof pushType !== 'string') return pushType
  const priority = readPriority(headers['apns-priority'])
  if (typeof priority !== 'number') return priority
  const expiration = readExpiration(headers['apns-expiration'])
  if (typeof expiration === 'object') return expiration
  const collapseId = readCollapseId(headers['apns-collapse-id'])
  if (typeof collapseId === 'object') return collapseId
  return { pushType, priority, expiration, collapseId }
}

function readPushType(header: string | undefined, topic: string): PushType | Rejection {
  if (header === undefined) return typeFromTopic(topic)
  const pushType = parsePushType(header)
  if (!pushType) return reject('InvalidPushType', 'apns-push-type is not known')
  const { suffix } = pushTypes[pushType]
  return topic.endsWith(suffix)
    ? pushType
    : reject('BadTopic', `push type ${pushType} needs a topic that ends in ${suffix}`)
}

/** Without a push type the topic's suffix tells it, so that voip keeps its larger payload. */
function typeFromTopic(topic: string): PushType {
  const names = Object.keys(pushTypes) as PushType[]
  const matches = ({ suffix }: { suffix: string }) => suffix !== '' && topic.endsWith(suffix)
  return names.find((name) => matches(pushTypes[name])) ?? 'alert'
}

const PRIORITIES: Readonly<Record<string, Priority>> = { '10': 10, '5': 5, '1': 1 }

function readPriority(header: string | undefined): Priority | Rejection {
  if (header === undefined) return 10
  return Object.hasOwn(PRIORITIES, header)
    ? (PRIORITIES[header] as Priority)
    : reject('BadPriority', 'apns-priority is not 10, 5 or 1')
}

/** Negative values are dates before 1970: some clients cast the seconds to 32 bits. */
const SECONDS = /^-?\d{1,15}$/

function readExpiration(header: string | undefined): number | undefined | Rejection {
  if (header === undefined) return undefined
  return SECONDS.test(header)
    ? Number(header)
    : reject('BadExpirationDate', 'apns-expiration is not a whole number of UNIX seconds')
}

const MAX_COLLAPSE_ID_BYTES = 64

function readCollapseId(header: string | undefined): string | undefined | Rejection {
  if (header === undefined || header === '') return undefined
  return headerBytes(header).length > MAX_COLLAPSE_ID_BYTES
    ? reject('BadCollapseId', `apns-collapse-id is over ${MAX_COLLAPSE_ID_BYTES} bytes`)
    : headerBytes(header).toString('utf8')
}

/** Node gives one character per byte received; a front door that decodes UTF-8 gives others too. */
function headerBytes(value: string): Buffer {
  const isBytes = [...value].every((character) => character.charCodeAt(0) <= 0xff)
  return Buffer.from(value, isBytes ? 'latin1' : 'utf8')
}

/**
 * When the notification ends, UNIX seconds: what the provider asked for, at most 30 days from now;
 * the service's own lifetime where nothing was asked for. 0 stays 0: one attempt, never stored.
 */
export function expirationOf(
  asked: number | undefined,
  nowMs: number,
  defaultLifetimeSeconds: number,
): number {
  const now = Math.floor(nowMs / 1000)
  if (asked === 0) return 0
  if (asked === undefined) return now + Math.min(defaultLifetimeSeconds, MAX_LIFETIME_SECONDS)
  // never 0 by accident: that would mean "one attempt"
  return Math.min(asked, now + MAX_LIFETIME_SECONDS)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The payload's text, checked to be one JSON object within its push type's limit and not rebuilt. */
export function readPayload(body: Uint8Array, pushType: PushType): { text: string } | Rejection {
  const { maxPayload } = pushTypes[pushType]
  if (body.length === 0) return reject('PayloadEmpty', 'the request has no body')
  if (body.length > maxPayload)
    return reject('PayloadTooLarge', `the payload has ${body.length} bytes, over ${maxPayload}`)
  try {
    const text = utf8.decode(body)
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { text }
  } catch {
    return reject('PayloadEmpty', 'the payload is not JSON in UTF-8')
  }
  return reject('PayloadEmpty', 'the payload is not a JSON object')
}
