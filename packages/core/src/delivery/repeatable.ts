import type { OutcomeKind } from '@heliograph/protocol/outcome'

/**
 * Ends that change no table: if they are lost because the function dies, the message comes again,
 * and so does the end. Only these may be collected; every other end is recorded at once.
 */
const repeatable: readonly OutcomeKind[] = ['delivered', 'duplicate']

export function isRepeatable(kind: OutcomeKind): boolean {
  return repeatable.includes(kind)
}
