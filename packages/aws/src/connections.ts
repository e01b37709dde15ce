import {
  ForbiddenException,
  GatewayTimeoutException,
  InvalidRequestException,
  type IoTDataPlaneClient,
  RequestEntityTooLargeException,
  ResourceNotFoundException,
  SendDirectMessageCommand,
  UnauthorizedException,
} from '@aws-sdk/client-iot-data-plane'
import type { Connections, Sent } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { DownTopic } from '@heliograph/protocol/mqtt-topic'
import { CONFIRMATION_SECONDS } from './clients.ts'

/**
 * IoT Core's direct messages: presence check, delivery and receipt in one call. The statuses are
 * listed on AWS IoT Core's page "direct-messaging". `onFault` is told about calls that did not
 * deliver.
 */
export function connections(
  client: IoTDataPlaneClient,
  onFault: (name: string, message: string) => void,
): Connections {
  async function call(
    deviceId: DeviceId,
    topic: DownTopic,
    message: string,
    confirmation: { readonly confirmation: boolean; readonly timeout?: number },
  ): Promise<Sent> {
    const payload = new TextEncoder().encode(message)
    try {
      await client.send(
        new SendDirectMessageCommand({ clientId: deviceId, topic, payload, ...confirmation }),
      )
      return 'acknowledged'
    } catch (fault) {
      const sent = sentOf(fault)
      if (sent !== 'offline') onFault(nameOf(fault), messageOf(fault))
      return sent
    }
  }

  return {
    async send(deviceId, topic, message, patienceMs = CONFIRMATION_SECONDS * 1_000) {
      // IoT Core waits whole seconds
      const timeout = Math.ceil(patienceMs / 1_000)
      return call(deviceId, topic, message, { confirmation: true, timeout })
    },
    async tell(deviceId, topic, message) {
      const sent = await call(deviceId, topic, message, { confirmation: false })
      if (sent === 'acknowledged') return 'told'
      // no answer of IoT Core: whether it was sent is not known, as with one that it failed to send
      return sent === 'unconfirmed' ? 'busy' : sent
    },
  }
}

function sentOf(fault: unknown): Sent {
  if (fault instanceof ResourceNotFoundException) return 'offline'
  if (fault instanceof GatewayTimeoutException || isClientTimeout(fault)) return 'unconfirmed'
  const unfit =
    fault instanceof ForbiddenException ||
    fault instanceof UnauthorizedException ||
    fault instanceof InvalidRequestException ||
    fault instanceof RequestEntityTooLargeException
  return unfit ? 'refused' : 'busy'
}

/** The answer did not come in time or was lost: the device may still have the message. */
function isClientTimeout(fault: unknown): boolean {
  return (
    ['TimeoutError', 'ECONNRESET', 'EPIPE'].includes(nameOf(fault)) ||
    codeOf(fault) === 'ECONNRESET'
  )
}

function nameOf(fault: unknown): string {
  return fault instanceof Error ? fault.name : 'unknown'
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}

function codeOf(fault: unknown): unknown {
  return fault instanceof Error && 'code' in fault ? fault.code : undefined
}
