import { isUtf8 } from 'node:buffer'
import { MAX_COLLAPSE_ID_BYTES, MAX_LIFETIME_SECONDS } from '@heliograph/protocol/limits'
import { type Priority, priorities } from '@heliograph/protocol/priority'
import { type PushType, parsePushType, pushTypes } from '@heliograph/protocol/push-type'
import { type Rejection, reject } from '@heliograph/protocol/rejection'
import type { ProviderRequest } from './provider-request.ts'

/** The checked content of a request's headers; the topic and the id are checked elsewhere. */
export interface SendOptions {
  readonly pushType: PushType
  readonly priority: Priority
  /** UNIX seconds, 0 = one attempt, undefined = none given. */
  readonly expiration: number | undefined
  readonly collapseId: string | undefined
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
  if (!pushType)
    return reject(
      'InvalidPushType',
      `apns-push-type is not one of ${Object.keys(pushTypes).join(', ')}`,
    )
  const { suffix } = pushTypes[pushType]
  return topic.endsWith(suffix)
    ? pushType
    : reject('BadTopic', `push type ${pushType} needs a topic that ends in ${suffix}`)
}

/** Without a push type, the topic's suffix determines it, so that voip keeps its larger payload. */
function typeFromTopic(topic: string): PushType {
  const names = Object.keys(pushTypes) as PushType[]
  const matches = ({ suffix }: { suffix: string }) => suffix !== '' && topic.endsWith(suffix)
  return names.find((name) => matches(pushTypes[name])) ?? 'alert'
}

export function readPriority(header: string | undefined): Priority | Rejection {
  if (header === undefined) return 10
  const priority = priorities.find((one) => String(one) === header)
  return priority ?? reject('BadPriority', 'apns-priority is not 10, 5 or 1')
}

/** Negative values are dates before 1970: some clients cast the seconds to 32 bits. */
const SECONDS = /^-?\d{1,15}$/

export function readExpiration(header: string | undefined): number | undefined | Rejection {
  if (header === undefined) return undefined
  return SECONDS.test(header)
    ? Number(header)
    : reject('BadExpirationDate', 'apns-expiration is not a whole number of UNIX seconds')
}

function readCollapseId(header: string | undefined): string | undefined | Rejection {
  if (header === undefined || header === '') return undefined
  const bytes = headerBytes(header)
  return bytes.length > MAX_COLLAPSE_ID_BYTES
    ? reject(
        'BadCollapseId',
        `apns-collapse-id has ${bytes.length} bytes, over ${MAX_COLLAPSE_ID_BYTES}`,
      )
    : bytes.toString('utf8')
}

/** Some front doors give one character per byte received, others the text decoded from UTF-8. */
function headerBytes(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  const areWhatCame = bytes.toString('latin1') === value && isUtf8(bytes)
  return areWhatCame ? bytes : Buffer.from(value, 'utf8')
}

/**
 * When the notification expires, UNIX seconds: what the provider asked for, at most 30 days from
 * now, or the service's default lifetime. 0 stays 0: one attempt, never stored. A time in the past
 * is kept: the notification is accepted, and deliver drops it.
 */
export function expirationOf(
  asked: number | undefined,
  nowMs: number,
  defaultLifetimeSeconds: number,
): number {
  const now = Math.floor(nowMs / 1000)
  if (asked === undefined) return now + Math.min(defaultLifetimeSeconds, MAX_LIFETIME_SECONDS)
  // -0 would be written as 0, but is not one to everybody
  return asked === 0 ? 0 : Math.min(asked, now + MAX_LIFETIME_SECONDS)
}
