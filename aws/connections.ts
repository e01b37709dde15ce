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
import type { Connections, Sent } from '../core/ports.ts'
import { CONFIRMATION_SECONDS } from './clients.ts'

/**
 * Direct messages of IoT Core: presence check, delivery and receipt in one call. The statuses stand
 * in AWS IoT Core's page "direct-messaging". `onFault` hears what came of calls that did not deliver.
 */
export function connections(
  client: IoTDataPlaneClient,
  onFault: (name: string, message: string) => void,
): Connections {
  return {
    async send(deviceId, topic, message) {
      try {
        await client.send(
          new SendDirectMessageCommand({
            clientId: deviceId,
            topic,
            payload: new TextEncoder().encode(message),
            confirmation: true,
            timeout: CONFIRMATION_SECONDS,
          }),
        )
        return 'acknowledged'
      } catch (fault) {
        const sent = sentOf(fault)
        if (sent !== 'offline') onFault(nameOf(fault), messageOf(fault))
        return sent
      }
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

/** The answer did not come in time or was lost: the device may have the message all the same. */
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
