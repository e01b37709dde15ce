import type { Connection } from './connection.ts'
import { limits } from './limits.ts'
import { type PresenceEvent, presenceEvents } from './presence.ts'
import type { DisconnectReason, Session } from './session.ts'

export interface ConnectionsOptions {
  announce(event: PresenceEvent): void
  now(): number
}

/** Who is connected. One client id has at most one live session. */
export class Connections {
  readonly #connections = new Map<string, Connection>()
  readonly #options: ConnectionsOptions
  #sweptAt = 0

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** The live session of a client id. */
  live(clientId: string): Session | undefined {
    return this.#connections.get(clientId)?.session
  }

  /** The live connection, or one that ended at most half an hour ago. */
  find(clientId: string): Connection | undefined {
    const connection = this.#connections.get(clientId)
    return connection === undefined || this.#age(connection) > limits.endedConnectionMs
      ? undefined
      : connection
  }

  *sessions(): Iterable<Session> {
    for (const { session } of this.#connections.values()) if (session !== undefined) yield session
  }

  /** Whether messages for a client id are kept while it is offline. */
  hasPersistentSession(clientId: string): boolean {
    const connection = this.#connections.get(clientId)
    if (connection === undefined || connection.facts.clean) return false
    return this.#age(connection) <= limits.persistentSessionMs
  }

  begin(session: Session): void {
    this.#forgetLongGone()
    const previous = this.#connections.get(session.clientId)
    if (previous?.session !== undefined) this.end(previous.session, 'DUPLICATE_CLIENTID')
    const connection = {
      facts: session.facts,
      session,
      version: previous === undefined ? 0 : previous.version + 1,
      connectedAt: this.#options.now(),
    }
    this.#connections.set(session.clientId, connection)
    this.#options.announce(presenceEvents.connected(connection))
  }

  /** Ends a session once; the first reason counts. */
  end(session: Session, reason: DisconnectReason): void {
    const connection = this.#connections.get(session.clientId)
    if (connection?.session !== session) return
    const { session: _gone, ...remembered } = connection
    const ended = { at: this.#options.now(), reason: session.endReason ?? reason }
    this.#connections.set(session.clientId, { ...remembered, ended })
    session.abandon()
    this.#options.announce(presenceEvents.disconnected({ ...remembered, ended }))
  }

  /** Forgets a client id that is not connected. */
  forget(clientId: string): void {
    if (this.live(clientId) === undefined) this.#connections.delete(clientId)
  }

  /** Milliseconds since the connection ended; 0 while it lives. */
  #age({ ended }: Connection): number {
    return ended === undefined ? 0 : this.#options.now() - ended.at
  }

  #forgetLongGone(): void {
    const now = this.#options.now()
    if (now - this.#sweptAt < 60_000) return
    this.#sweptAt = now
    for (const [clientId, connection] of this.#connections) {
      if (this.#age(connection) > limits.persistentSessionMs) this.#connections.delete(clientId)
    }
  }
}
