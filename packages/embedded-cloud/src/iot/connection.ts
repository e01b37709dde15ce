import type { DisconnectReason, Session, SessionFacts } from './session.ts'

/** A connection of a client id: the live one, or the last. */
export interface Connection {
  readonly facts: SessionFacts
  /** Only while it lives. */
  readonly session?: Session
  /** Counts the connects of the client id, from 0. */
  readonly version: number
  readonly connectedAt: number
  readonly ended?: { readonly at: number; readonly reason: DisconnectReason }
}
