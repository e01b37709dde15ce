import { alignedSpan, type StatsReader, StatsSum } from '@heliograph/core/stats/topic-stats'
import type { ReceiptLevel } from '@heliograph/protocol/outcome'
import { MachineError } from '../failure.ts'
import type { KeptReceipts } from '../store/receipts.ts'

const MINUTE_MS = 60_000

/** What the receipts of a machine tell of topics: there are no other counters by topic. */
export function receiptStats(
  receipts: Pick<KeptReceipts, 'visit'>,
  level: ReceiptLevel,
  days: number,
): StatsReader {
  return {
    async read(asked, topics) {
      if (level !== 'all')
        throw new MachineError(
          `figures by topic are made from receipts, and this machine keeps ${level}: run the service with receipts: "all"`,
        )
      const span = alignedSpan(asked, MINUTE_MS)
      const sum = new StatsSum(span)
      const isWhole = await receipts.visit(span.since, (outcome) => sum.add(outcome))
      const some = isWhole ? '' : ' There are more than were read: ask for a shorter time.'
      return {
        span,
        topics: sum.read(topics),
        note: `Of what was accepted in this time, as far as receipts are kept (${days} days).${some}`,
      }
    },
  }
}
