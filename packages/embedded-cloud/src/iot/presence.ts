import type { Connection } from './connection.ts'
import type { DisconnectReason, SessionFacts } from './session.ts'

/**
 * A lifecycle event as AWS IoT Core publishes it.
 * Source: https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html
 */
export interface PresenceEvent {
  readonly topic: string
  readonly payload: Buffer
}

type Ended = Connection & {
  readonly ended: { readonly at: number; readonly reason: DisconnectReason }
}

export const presenceEvents = {
  connected: (connection: Connection): PresenceEvent =>
    presenceEvent('connected', connection.facts.clientId, {
      ...common(connection, connection.connectedAt),
      ipAddress: connection.facts.addresses.sourceIp,
    }),

  disconnected: (connection: Ended): PresenceEvent =>
    presenceEvent('disconnected', connection.facts.clientId, {
      ...common(connection, connection.ended.at),
      clientInitiatedDisconnect: connection.ended.reason === 'CLIENT_INITIATED_DISCONNECT',
      disconnectReason: connection.ended.reason,
    }),

  connectFailed: ({ clientId, id, principal }: SessionFacts, timestamp: number) =>
    presenceEvent('connect_failed', clientId, {
      timestamp,
      sessionIdentifier: id,
      principalIdentifier: principal.certificateId,
      connectFailureReason: 'AUTHORIZATION_FAILED',
    }),
}

function common({ facts, version }: Connection, timestamp: number) {
  const { thingName, certificateId } = facts.principal
  return {
    timestamp,
    sessionIdentifier: facts.id,
    principalIdentifier: certificateId,
    versionNumber: version,
    ...(thingName === undefined ? {} : { thingName }),
  }
}

function presenceEvent(eventType: string, clientId: string, rest: object): PresenceEvent {
  return {
    topic: `$aws/events/presence/${eventType}/${clientId}`,
    payload: Buffer.from(JSON.stringify({ clientId, eventType, ...rest })),
  }
}
