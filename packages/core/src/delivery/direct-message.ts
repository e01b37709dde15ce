import { downTopics } from '@heliograph/protocol/mqtt-topic'
import { deviceMessage, type Notification } from '../notification.ts'
import type { Clock, Connections, Sent } from '../ports.ts'
import type { Silence } from './silence.ts'

/** What is needed to send a notification to its device. */
export interface DirectMessagePorts {
  readonly clock: Clock
  readonly connections: Connections
  readonly silence: Silence
}

/** Sends the notification and waits for the device's acknowledgement; remembers a silent device. */
export async function send(
  notification: Notification,
  stored: boolean,
  { connections, silence, clock }: DirectMessagePorts,
  patienceMs?: number,
): Promise<Sent> {
  const { deviceId } = notification
  const message = deviceMessage(notification, stored)
  const sent = await connections.send(deviceId, downTopics.notification, message, patienceMs)
  silence.note(deviceId, sent, clock.now())
  return sent
}

/** Sends the notification to a silent device, without waiting for an acknowledgement. */
export async function sendUnconfirmed(
  notification: Notification,
  { connections }: DirectMessagePorts,
): Promise<Sent> {
  const { deviceId } = notification
  const message = deviceMessage(notification, false)
  const told = await connections.tell(deviceId, downTopics.notification, message)
  return told === 'told' ? 'unconfirmed' : told
}

/**
 * True if nothing should wait for the device: it has been silent, and another attempt is not due
 * yet.
 */
export function isSilent(
  { deviceId }: Notification,
  { silence, clock }: DirectMessagePorts,
): boolean {
  return silence.holds(deviceId, clock.now())
}
