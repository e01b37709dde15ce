import type { Outcome } from '@heliograph/core/outcome'
import type { Clock, Receipts } from '@heliograph/core/ports'
import { MAX_NAMESAKES } from '@heliograph/protocol/limits'
import type { Access } from './access.ts'

interface Kept {
  readonly outcome: Outcome
  /** Milliseconds since the epoch. */
  expiresAt: number
}

/** Every outcome once. Every method happens at once. */
export class ReceiptStore {
  readonly #kept = new Map<string, Kept>()

  put(outcome: Outcome, expiresAt: number): void {
    this.#kept.set(JSON.stringify(outcome), { outcome, expiresAt })
  }

  find(id: string, now: number): Outcome[] {
    const wanted = id.toLowerCase()
    const live = [...this.#kept.values()].filter(({ expiresAt }) => expiresAt > now)
    const meant = live
      .map(({ outcome }) => outcome)
      .filter((one) => one.uniqueId === wanted || one.id.toLowerCase() === wanted)
    const newest = [...new Set(meant.map(({ uniqueId }) => uniqueId))].sort().reverse()
    const shown = newest.slice(0, MAX_NAMESAKES)
    return meant.filter(({ uniqueId }) => shown.includes(uniqueId))
  }

  all(): Outcome[] {
    return [...this.#kept.values()].map(({ outcome }) => outcome)
  }
}

export function memoryReceipts(
  store: ReceiptStore,
  access: Access,
  clock: Clock,
  keptSeconds: number,
): Receipts {
  return {
    async write(outcomes) {
      const expiresAt = clock.now() + keptSeconds * 1000
      for (const outcome of outcomes)
        await access('receipts.put', outcome.seq, () => store.put(outcome, expiresAt))
    },
    find: (id) => access('receipts.find', id, () => store.find(id, clock.now())),
  }
}
