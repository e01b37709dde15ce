import { Failure } from '../failure.ts'
import { readText } from '../files.ts'
import type { Session } from '../session.ts'

export interface PayloadOptions {
  readonly alert?: string
  /** JSON text, the name of a file that contains it, or - for standard input. */
  readonly payload?: string
}

/** The payload that the user gave, as JSON text; a greeting if there is none. */
export async function payloadOf(
  session: Session,
  { alert, payload }: PayloadOptions,
): Promise<string> {
  if (alert !== undefined && payload !== undefined)
    throw new Failure('usage', 'give either --alert or --payload')
  if (payload === undefined)
    return JSON.stringify({ aps: { alert: alert ?? 'Hello from Heliograph' } })
  if (payload === '-') return session.terminal.readInput()
  return /^\s*[{[]/.test(payload) ? payload : readText(payload, 'payload')
}
