/**
 * The embedded cloud cannot start, or a resource of the assembly cannot be made. The message is one
 * sentence for a developer: what is wrong, where, and what to do.
 */
export class CloudStartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CloudStartError'
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
