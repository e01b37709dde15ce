import {
  type DeviceId,
  type DeviceToken,
  parseDeviceId,
  parseDeviceToken,
  parseTopic,
  type Topic,
} from './identifiers.ts'
import { type Connections, downTopics } from './ports.ts'

/**
 * What a topic rule hands over of one message of a device. The IoT policy lets a device publish
 * under its own id only; the rule's `clientid()` is compared all the same.
 */
export interface DeviceRequest {
  readonly deviceId: DeviceId
  /** IoT Core's clock, milliseconds: one clock for all requests of a device. */
  readonly receivedAt: number
  /** IoT Core's id of the certificate that the device is connected with, where the rule names it. */
  readonly certificateId?: string
  /** The JSON object that the device sent, or undefined where it sent something else. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** Reads a rule event, or undefined where it is not one of a device about itself. */
export function parseDeviceRequest(event: unknown): DeviceRequest | undefined {
  if (typeof event !== 'object' || event === null) return undefined
  const { deviceId, clientId, receivedAt, principal, request } = event as Record<string, unknown>
  const id = parseDeviceId(deviceId)
  if (!id || clientId !== id || typeof receivedAt !== 'number') return undefined
  const certificate = typeof principal === 'string' ? { certificateId: principal } : {}
  return { deviceId: id, receivedAt, ...certificate, body: parseBody(request) }
}

const MAX_REQUEST_BYTES = 128 * 1024

function parseBody(base64: unknown): DeviceRequest['body'] {
  if (typeof base64 !== 'string' || base64.length > MAX_REQUEST_BYTES * 2) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined
  } catch {
    return undefined
  }
}

export function topicOf(request: DeviceRequest): Topic | undefined {
  return parseTopic(request.body?.topic)
}

/** A device has one token per topic; more than this in one message is no honest device. */
export const MAX_TOKENS = 1_000

/** The tokens of a connect message, with what each was sent as; undefined where it is malformed. */
export function tokensOf(
  request: DeviceRequest,
): { readonly text: string; readonly token: DeviceToken | undefined }[] | undefined {
  const tokens = request.body?.tokens
  if (!Array.isArray(tokens) || tokens.length > MAX_TOKENS) return undefined
  return tokens.map((text: unknown) => ({ text: shorten(text), token: parseDeviceToken(text) }))
}

function shorten(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 64) : ''
}

export type DeviceErrorReason =
  | 'BadRequest'
  | 'BadTopic'
  | 'UnknownTopic'
  | 'BadCertificateRequest'
  | 'TooManyRegistrations'

/** Tells the device why its request came to nothing. A lost error is not tried again. */
export async function tellError(
  connections: Connections,
  request: DeviceRequest,
  kind: string,
  reason: DeviceErrorReason,
): Promise<void> {
  const about = { kind, ...(topicOf(request) ? { topic: topicOf(request) } : {}) }
  const message = JSON.stringify({ reason, request: about })
  await connections.send(request.deviceId, downTopics.error, message)
}
