import type { Outcome } from '@heliograph/core/outcome'
import type { Outcomes, Receipts } from '@heliograph/core/ports'
import { wantsReceipt } from '@heliograph/core/receipts/receipt-settings'
import type { ReceiptLevel } from '@heliograph/protocol/outcome'
import { faultFields, type Log } from '../log.ts'

/** Outcomes are collected for this long before they are written, milliseconds: a write for each would double the cost of a notification. */
const TOGETHER_MS = 1_000
/**
 * Written at once when there are this many, and dropped beyond ten times as many: receipts must not
 * fill the memory.
 */
const AT_ONCE = 1_000

export interface KeptOutcomes extends Outcomes {
  /** Writes what waits. */
  flush(): Promise<void>
}

/**
 * In one process, the answer may wait for the delivery, but a notification counts as accepted
 * before it was delivered.
 */
function inOrder(outcome: Outcome): Outcome {
  return outcome.kind === 'accepted'
    ? { ...outcome, at: outcome.at - outcome.age, age: 0 }
    : outcome
}

/** Also keeps outcomes as receipts, outside a notification's path. */
export function keptOutcomes(
  outcomes: Outcomes,
  receipts: Pick<Receipts, 'write'>,
  level: ReceiptLevel,
  log: Log,
): KeptOutcomes {
  const settings = { default: level, topics: {} }
  let waiting: Outcome[] = []
  /** Including those that a slow disk has not yet taken. */
  let unwritten = 0
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const some = waiting
    waiting = []
    if (some.length > 0) writing = writing.then(() => write(some))
    return writing
  }

  async function write(some: readonly Outcome[]): Promise<void> {
    try {
      await receipts.write(some)
    } catch (fault) {
      log.error('receipts cannot be written', { lost: some.length, ...faultFields(fault) })
    } finally {
      unwritten -= some.length
    }
  }

  function keep(outcome: Outcome): void {
    if (!wantsReceipt(settings, outcome) || unwritten >= 10 * AT_ONCE) return
    unwritten += 1
    waiting.push(inOrder(outcome))
    if (waiting.length === AT_ONCE) void flush()
    else timer ??= setTimeout(() => void flush(), TOGETHER_MS)
  }

  return {
    record(outcome) {
      outcomes.record(outcome)
      keep(outcome)
    },
    recordTogether(all) {
      outcomes.recordTogether(all)
      for (const one of all) keep(one)
    },
    flush,
  }
}
