import { type NotificationId, parseNotificationId } from '@heliograph/protocol/identifiers'
import { type Rejection, reject } from '@heliograph/protocol/rejection'
import type { Ids } from '../ports.ts'

/** A provider's HTTP request as the front door passes it on. */
export interface ProviderRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Names in lower case; a repeated header's values are joined by commas, as API Gateway does. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | undefined>>
  /** `not-utf8`: a front door read the bytes as text, so the original bytes are lost. */
  readonly body: Uint8Array | 'not-utf8'
  /** PEM of the verified client certificate, if the front door required one. */
  readonly clientCertificate: string | undefined
  /** The address that the request came from, at a front door that takes provider tokens; absent at others. */
  readonly tokenSource?: string | undefined
}

const DEVICE_PATH = '/3/device/'
/** One request for many devices, whose tokens are in the body. */
const DEVICES_PATH = '/3/devices'

/** The text of the device token in the path; undefined if the tokens are in the body. */
export function readPath(
  request: Pick<ProviderRequest, 'method' | 'path'>,
): { tokenText: string | undefined } | Rejection {
  if (request.method !== 'POST') return reject('MethodNotAllowed', `${request.method} is not POST`)
  if (request.path === DEVICES_PATH) return { tokenText: undefined }
  if (!request.path.startsWith(DEVICE_PATH))
    return reject('BadPath', `the path is neither ${DEVICE_PATH}<device token> nor ${DEVICES_PATH}`)
  const tokenText = request.path.slice(DEVICE_PATH.length)
  return tokenText === ''
    ? reject('MissingDeviceToken', `the path ends before the device token`)
    : { tokenText }
}

/** Headers whose value may contain a comma. */
const WITH_COMMAS = ['apns-collapse-id', 'content-type']

/** API Gateway silently joins repeated headers with commas (apns-contract §11). */
export function findDuplicate(headers: ProviderRequest['headers']): Rejection | undefined {
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (!value?.includes(',')) continue
    const repeated = WITH_COMMAS.includes(name) ? isOneTextOverAndOver(value) : isApple(name)
    if (repeated) return reject('DuplicateHeaders', `${name} appears more than once`)
  }
  return undefined
}

/** No valid value of Apple's other headers contains a comma, so a comma means a repeated header. */
function isApple(name: string): boolean {
  return name.startsWith('apns-')
}

function isOneTextOverAndOver(value: string): boolean {
  return new Set(value.split(',').map((part) => part.trim())).size === 1
}

/**
 * The id to answer with: the provider's own, byte for byte, or a new one in upper case, like
 * Apple's.
 */
export function chooseId(header: string | undefined, uuid: () => string): NotificationId {
  return parseNotificationId(header) ?? newId({ uuid })
}

export function newId({ uuid }: Pick<Ids, 'uuid'>): NotificationId {
  return uuid().toUpperCase() as NotificationId
}

export function checkId(header: string | undefined): Rejection | undefined {
  return header === undefined || parseNotificationId(header)
    ? undefined
    : reject('BadMessageId', 'apns-id is not a UUID of the form 8-4-4-4-12')
}
