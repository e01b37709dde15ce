import { setImmediate } from 'node:timers/promises'
import type { Outcome } from '@heliograph/core/outcome'
import type { Clock, Receipts } from '@heliograph/core/ports'
import { MAX_NAMESAKES } from '@heliograph/protocol/limits'
import type { OutcomeKind } from '@heliograph/protocol/outcome'
import type { Environment } from './environment.ts'
import type { Expiries, ExpiringKey } from './expiries.ts'

const RECEIPTS = 'receipts'
const BY_ID = 'receipts by apns-id'

/** Sorts after every text that a key may have in this place. */
const LAST = '\uffff'

/** What the outcomes of a notification have in common, without the id in the key. Names would be most of a row. */
type Common = readonly [
  id: string,
  idFromProvider: boolean,
  topic: string,
  deviceId: string,
  seq: string,
  tokenFingerprint: string,
  pushType: string,
  priority: number,
  acceptedAt: number,
]

type Event = readonly [kind: OutcomeKind, at: number, age: number, replacedBy?: string]

/** What of one notification was written together; rows of formats 1 and 2 have whole outcomes. */
type Row = { readonly expiresAt: number } & (
  | { readonly common: Common; readonly events: readonly Event[] }
  | { readonly outcomes: readonly Outcome[] }
  | { readonly outcome: Outcome }
)

export interface KeptReceipts extends Receipts {
  /**
   * Shows the outcomes of every notification that was accepted since then, in milliseconds, the oldest first. Says
   * false if there are more than it reads.
   */
  visit(sinceMs: number, see: (outcome: Outcome) => void): Promise<boolean>
}

/** Rows that are read without a pause; the process does its other work in between. */
const AT_ONCE = 1_000
/** Some seconds of reading. */
const MOST_VISITED = 2_000_000

/**
 * The outcomes of each notification by its `apns-unique-id`, and which of these an `apns-id`
 * belongs to.
 */
export function receipts(
  environment: Environment,
  expiries: Expiries,
  clock: Clock,
  keptSeconds: number,
): KeptReceipts {
  const rows = environment.table<Row, [uniqueId: string, event: string]>(RECEIPTS)
  const byId = environment.table<{ readonly expiresAt: number }, [id: string, uniqueId: string]>(
    BY_ID,
  )
  const isLive = ({ value }: { readonly value: { readonly expiresAt: number } }) =>
    value.expiresAt > Math.floor(clock.now() / 1000)

  /** Most notifications begin and end within one write: each is then one row. */
  function put(outcomes: readonly [Outcome, ...Outcome[]], expiresAt: number): ExpiringKey[] {
    const [first] = outcomes
    const { uniqueId } = first
    const place: [string, string] = [uniqueId, `${first.at} ${first.kind}`]
    rows.put(place, { expiresAt, common: commonOf(first), events: outcomes.map(eventOf) })
    const id = first.id.toLowerCase()
    // an id that serves as both is found without
    if (id === uniqueId) return [[RECEIPTS, ...place]]
    byId.put([id, uniqueId], { expiresAt })
    return [
      [RECEIPTS, ...place],
      [BY_ID, id, uniqueId],
    ]
  }

  function namesakes(id: string): string[] {
    const newest = { start: [id, LAST], end: [id, ''], reverse: true } as const
    return [...byId.getRange({ ...newest, limit: MAX_NAMESAKES } as never)]
      .filter(isLive)
      .map(({ key: [, uniqueId] }) => uniqueId)
  }

  function outcomesOf(uniqueId: string): Outcome[] {
    const written = [...rows.getRange({ start: [uniqueId, ''], end: [uniqueId, LAST] })]
      .filter(isLive)
      .flatMap(({ value }) => outcomesIn(value, uniqueId))
    return distinct(written)
  }

  return {
    write: (outcomes) =>
      environment.change(() => {
        const expiresAt = Math.floor(clock.now() / 1000) + keptSeconds
        const together = groupedBy(outcomes, ({ uniqueId }) => uniqueId)
        const written = together.flatMap((some) => put(some, expiresAt))
        expiries.noteAll(expiresAt, written)
      }),

    async find(given) {
      const id = given.toLowerCase()
      return [...new Set([id, ...namesakes(id)])].flatMap(outcomesOf)
    },

    async visit(sinceMs, see) {
      let start: [string, string] = [firstIdOf(sinceMs), '']
      for (let seen = 0; seen < MOST_VISITED; seen += AT_ONCE) {
        const page = [...rows.getRange({ start, limit: AT_ONCE + 1 })]
        for (const row of page.slice(0, AT_ONCE))
          if (isLive(row)) outcomesIn(row.value, row.key[0]).forEach(see)
        const next = page[AT_ONCE]
        if (!next) return true
        start = next.key
        await setImmediate()
      }
      return false
    },
  }
}

/** What was written twice is in two rows where it came together with something else. */
function distinct(outcomes: readonly Outcome[]): Outcome[] {
  return [...new Map(outcomes.map((one) => [`${one.at} ${one.kind}`, one])).values()]
}

function commonOf(one: Outcome): Common {
  const { id, idFromProvider, topic, deviceId, seq, tokenFingerprint } = one
  const { pushType, priority, acceptedAt } = one
  return [
    id,
    idFromProvider,
    topic,
    deviceId,
    seq,
    tokenFingerprint,
    pushType,
    priority,
    acceptedAt,
  ]
}

function eventOf({ kind, at, age, replacedBy }: Outcome): Event {
  return replacedBy === undefined ? [kind, at, age] : [kind, at, age, replacedBy]
}

function outcomesIn(row: Row, uniqueId: string): readonly Outcome[] {
  if ('outcomes' in row) return row.outcomes
  if ('outcome' in row) return [row.outcome]
  const [id, idFromProvider, topic, deviceId, seq, tokenFingerprint, ...rest] = row.common
  const [pushType, priority, acceptedAt] = rest
  const common = { id, uniqueId, idFromProvider, topic, deviceId, seq, tokenFingerprint }
  return row.events.map(([kind, at, age, replacedBy]) => ({
    ...{ kind, ...common, pushType, priority, acceptedAt, at, age },
    ...(replacedBy !== undefined && { replacedBy }),
  }))
}

/** In the order of the first of each. */
function groupedBy<T>(all: readonly T[], keyOf: (one: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>()
  for (const one of all) {
    const group = groups.get(keyOf(one))
    if (group) group.push(one)
    else groups.set(keyOf(one), [one])
  }
  return [...groups.values()]
}

/** The least id that is made at that time or later: ids begin with 48 bits of milliseconds (`timedUuid`). */
function firstIdOf(ms: number): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}`
}
