import type { OutcomeKind } from '@heliograph/protocol/outcome'

/**
 * Ends that change no table: where they are lost with a function that dies, the message comes again and with
 * it the end. Only these may wait for one another; every other is recorded at once.
 */
const repeatable: readonly OutcomeKind[] = ['delivered', 'duplicate']

export function isRepeatable(kind: OutcomeKind): boolean {
  return repeatable.includes(kind)
}
