/** An event that waits for its function, in the form that survives a restart. */
export interface AsyncEvent {
  readonly functionName: string
  /** The event, as JSON. */
  readonly payload: string
  readonly requestId: string
  /** How often the function was run for it so far. */
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly queuedAt: number
}
