import type { Outcome } from '@heliograph/core/outcome'
import type { Clock, Receipts } from '@heliograph/core/ports'
import { MAX_NAMESAKES } from '@heliograph/protocol/limits'
import type { Environment } from './environment.ts'
import type { Expiries } from './expiries.ts'

const RECEIPTS = 'receipts'
const BY_ID = 'receipts by apns-id'

/** Sorts after every text that a key may have in this place. */
const LAST = '\uffff'

interface Row {
  readonly outcome: Outcome
  readonly expiresAt: number
}

/** The outcomes of each notification by its `apns-unique-id`, and which of these an `apns-id` stands for. */
export function receipts(
  environment: Environment,
  expiries: Expiries,
  clock: Clock,
  keptSeconds: number,
): Receipts {
  const rows = environment.table<Row, [uniqueId: string, event: string]>(RECEIPTS)
  const byId = environment.table<{ readonly expiresAt: number }, [id: string, uniqueId: string]>(
    BY_ID,
  )
  const isLive = ({ value }: { readonly value: { readonly expiresAt: number } }) =>
    value.expiresAt > Math.floor(clock.now() / 1000)

  function put(outcome: Outcome, expiresAt: number): void {
    const { id, uniqueId, kind, at } = outcome
    const place: [string, string] = [uniqueId, `${at} ${kind}`]
    const name: [string, string] = [id.toLowerCase(), uniqueId]
    rows.put(place, { outcome, expiresAt })
    byId.put(name, { expiresAt })
    expiries.note(expiresAt, RECEIPTS, place)
    expiries.note(expiresAt, BY_ID, name)
  }

  function namesakes(id: string): string[] {
    const newest = { start: [id, LAST], end: [id, ''], reverse: true } as const
    return [...byId.getRange({ ...newest, limit: MAX_NAMESAKES } as never)]
      .filter(isLive)
      .map(({ key: [, uniqueId] }) => uniqueId)
  }

  function outcomesOf(uniqueId: string): Outcome[] {
    return [...rows.getRange({ start: [uniqueId, ''], end: [uniqueId, LAST] })]
      .filter(isLive)
      .map(({ value: { outcome } }) => outcome)
  }

  return {
    write: (outcomes) =>
      environment.change(() => {
        const expiresAt = Math.floor(clock.now() / 1000) + keptSeconds
        for (const outcome of outcomes) put(outcome, expiresAt)
      }),

    async find(given) {
      const id = given.toLowerCase()
      return [...new Set([id, ...namesakes(id)])].flatMap(outcomesOf)
    },
  }
}
