/** A published message, on its way to subscribers and rules. */
export interface Message {
  readonly topic: string
  readonly payload: Buffer
  /** Absent for a message that came by HTTP or that the service made itself. */
  readonly clientId?: string
  readonly certificateId?: string
}
