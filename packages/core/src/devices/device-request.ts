import {
  type DeviceId,
  type DeviceToken,
  parseDeviceId,
  parseDeviceToken,
  parseTopic,
  type Topic,
} from '@heliograph/protocol/identifiers'
import { MAX_REQUEST_BYTES, MAX_TOKENS } from '@heliograph/protocol/limits'
import type { DownMessage } from '@heliograph/protocol/messages'
import { downTopics, type Upstream } from '@heliograph/protocol/mqtt-topic'
import type { DeviceErrorReason } from '@heliograph/protocol/reasons'
import type { Connections, Devices } from '../ports.ts'

/**
 * What a topic rule passes on for one message of a device. The IoT policy allows a device to
 * publish only under its own id; the rule's `clientid()` is compared nevertheless.
 */
export interface DeviceRequest {
  readonly deviceId: DeviceId
  /** IoT Core's clock, milliseconds: one clock for all requests of a device. */
  readonly receivedAt: number
  /**
   * IoT Core's id of the certificate with which the device is connected, if the rule passes it on.
   */
  readonly certificateId?: string
  /** The JSON object that the device sent, or undefined if it sent something else. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** Reads a rule event; undefined if it is not a device's request about itself. */
export function parseDeviceRequest(event: unknown): DeviceRequest | undefined {
  if (typeof event !== 'object' || event === null) return undefined
  const { deviceId, clientId, receivedAt, principal, request } = event as Record<string, unknown>
  const id = parseDeviceId(deviceId)
  if (!id || clientId !== id || typeof receivedAt !== 'number') return undefined
  const certificate = typeof principal === 'string' ? { certificateId: principal } : {}
  return { deviceId: id, receivedAt, ...certificate, body: parseBody(request) }
}

function parseBody(base64: unknown): DeviceRequest['body'] {
  if (typeof base64 !== 'string' || base64.length > MAX_REQUEST_BYTES * 2) return undefined
  return readBody(Buffer.from(base64, 'base64'))
}

/** The JSON object in a device's message, or undefined if it is not one. */
export function readBody(message: Buffer): DeviceRequest['body'] {
  try {
    const value: unknown = JSON.parse(message.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Whether the device is connected with a certificate that the service issued to it. IoT Core
 * accepts any certificate that someone has attached to the thing, and for a while also one that has
 * just been revoked.
 */
export async function isOwnConnection(
  { deviceId, certificateId }: DeviceRequest,
  devices: Pick<Devices, 'find'>,
): Promise<boolean> {
  const device = await devices.find(deviceId)
  if (!device || device.revokedAt !== undefined) return false
  return device.certificates.some((known) => known.certificateId === certificateId)
}

export function topicOf(request: DeviceRequest): Topic | undefined {
  return parseTopic(request.body?.topic)
}

/** The tokens of a connect message, with what each was sent as; undefined if it is malformed. */
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

/** Tells the device why its request came to nothing. A lost error is not tried again. */
export async function tellError(
  connections: Connections,
  request: DeviceRequest,
  kind: Upstream,
  reason: DeviceErrorReason,
): Promise<void> {
  const topic = topicOf(request)
  const about = topic === undefined ? { kind } : { kind, topic }
  const message: DownMessage<'error'> = { reason, request: about }
  await connections.tell(request.deviceId, downTopics.error, JSON.stringify(message))
}
