import { publishFrame } from '@heliograph/listener/publish-frame'
import type { Authority } from './authority.ts'
import type { Connections } from './connections.ts'
import { limits } from './limits.ts'
import type { Session } from './session.ts'

export interface DirectMessage {
  readonly clientId: string
  readonly topic: string
  readonly payload: Buffer
  /** How long to wait for the device's PUBACK; undefined sends at QoS 0 and waits for nothing. */
  readonly confirmWithinMs: number | undefined
}

/**
 * What happened to a direct message; the names are those in AWS IoT's CloudWatch log, if it has
 * one.
 */
export type DirectOutcome =
  | 'DELIVERED'
  | 'DISPATCHED'
  | 'TARGET_CLIENT_NOT_CONNECTED'
  | 'RECEIVE_AUTHORIZATION_FAILURE'
  | 'RECEIVE_SESSION_THROTTLED'
  | 'RECEIVER_MAX_UNACKED_QOS1_EXCEEDED'
  | 'CLIENT_ENDPOINT_NOT_WRITABLE'
  | 'DELIVERY_CONFIRMATION_TIMEOUT'
  | 'RECEIVER_DISCONNECTED'

export interface Delivery {
  readonly connections: Connections
  readonly authority: Authority
  /** Milliseconds since the epoch. */
  now(): number
}

/** Sends to one connected client, which needs no subscription; its policy must allow `iot:Receive`. */
export async function sendDirect(
  message: DirectMessage,
  { connections, authority, now }: Delivery,
): Promise<DirectOutcome> {
  const session = connections.live(message.clientId)
  if (session?.client.conn.writable !== true) return 'TARGET_CLIENT_NOT_CONNECTED'
  const refusal = refusalOf(session, message, authority, now())
  if (refusal !== undefined) return refusal
  if (message.confirmWithinMs === undefined) {
    session.client.conn.write(publishFrame(message.topic, message.payload))
    return 'DISPATCHED'
  }
  const messageId = session.nextMessageId()
  const acknowledgement = session.acknowledgementOf(messageId, message.confirmWithinMs)
  session.client.conn.write(publishFrame(message.topic, message.payload, messageId))
  return outcomes[await acknowledgement]
}

const outcomes = {
  acknowledged: 'DELIVERED',
  'timed-out': 'DELIVERY_CONFIRMATION_TIMEOUT',
  disconnected: 'RECEIVER_DISCONNECTED',
} as const

function refusalOf(
  session: Session,
  message: DirectMessage,
  authority: Authority,
  now: number,
): DirectOutcome | undefined {
  if (!session.permits(authority, 'iot:Receive', 'topic', message.topic))
    return 'RECEIVE_AUTHORIZATION_FAILURE'
  if (message.confirmWithinMs !== undefined && !session.mayOweMore)
    return 'RECEIVER_MAX_UNACKED_QOS1_EXCEEDED'
  if (session.client.conn.writableLength > limits.unwrittenBytes)
    return 'CLIENT_ENDPOINT_NOT_WRITABLE'
  return session.allowance.take(now) ? undefined : 'RECEIVE_SESSION_THROTTLED'
}
