import type { Outcome } from '@heliograph/core/outcome'
import {
  LAG_MS,
  type Receipt,
  type ReceiptEvent,
  receiptOf,
} from '@heliograph/core/receipts/receipt'
import type { OutcomeKind } from '@heliograph/protocol/outcome'
import type { Ledger } from './ledger.ts'
import type { Life } from './life.ts'
import type { World } from './world.ts'

/**
 * What an event may come straight after, written once more here: the simulation must not ask the rule that it
 * judges. What is in no list but the first ends a notification.
 */
const mayFollow: Readonly<Record<OutcomeKind, readonly OutcomeKind[]>> = {
  accepted: [],
  stored: ['accepted', 'dead-lettered'],
  delivered: ['accepted', 'dead-lettered'],
  duplicate: ['accepted', 'dead-lettered'],
  drained: ['stored', 'dead-lettered'],
  coalesced: ['accepted', 'stored', 'dead-lettered'],
  expired: ['accepted', 'stored', 'dead-lettered'],
  unregistered: ['accepted', 'stored', 'dead-lettered'],
  undeliverable: ['accepted', 'stored', 'dead-lettered'],
  'dead-lettered': ['accepted', 'stored'],
}

const beforeAnEnd: readonly OutcomeKind[] = ['accepted', 'stored', 'dead-lettered']
const isEnd = (kind: OutcomeKind) => !beforeAnEnd.includes(kind)

/**
 * A receipt has every outcome that was handed on, and no other; its events are in a legal order, repeats told
 * apart, unless something truly kept an outcome from being recorded; and one that ended has its end.
 */
export function checkReceipt({ receipts, cloud }: World, life: Life): void {
  const { ledger, skew } = cloud
  const violate = (text: string) =>
    ledger.violate('receipts', `the receipt of ${life.name} ${text}`)
  const found = receipts.find(life.notification.uniqueId, 0)
  for (const fault of faultsOfContent(found, life)) violate(fault)
  const receipt = receiptOf(found)
  const isWhole = isRecordedWhole(life) && skew === 0
  if (life.ends.length > 0 && isWhole && !isEnd(receipt?.state ?? 'accepted')) violate('has no end')
  if (!receipt) return
  const path = receipt.events.map(({ kind, repeat }) => (repeat ? `(${kind})` : kind)).join(' ')
  for (const fault of faultsOfOrder(receipt)) violate(`${fault}: ${path}`)
  if (isWhole && receipt.incomplete) violate(`lacks nothing, but says so: ${path}`)
  if (isWhole && !isTriedAgain(life) && receipt.events.some(({ repeat }) => repeat))
    violate(`has a repeat of what happened once: ${path}`)
  for (const event of receipt.events)
    if (!isReplacement(event, life, ledger)) violate(`names ${event.replacedBy} as its successor`)
}

function faultsOfContent(found: readonly Outcome[], { outcomes, lost }: Life): string[] {
  const texts = (list: readonly Outcome[]) => new Set(list.map((one) => JSON.stringify(one)))
  const [known, recorded] = [texts(found), texts(outcomes)]
  const due = texts(outcomes.filter((one) => !lost.has(one)))
  return [
    ...[...known].filter((text) => !recorded.has(text)).map((text) => `made up ${text}`),
    ...[...due].filter((text) => !known.has(text)).map((text) => `lacks ${text}`),
  ]
}

/** Each event that is not a repeat follows legally on the one before, or the receipt says that one is missing. */
function faultsOfOrder({ events, state, incomplete }: Receipt): string[] {
  const path = events.filter(({ repeat }) => !repeat).map(({ kind }) => kind)
  const steps = path.slice(1).map((kind, at) => ({ kind, before: path[at] ?? 'accepted' }))
  const repeats = events.filter(({ repeat }) => repeat).map(({ kind }) => kind)
  const isLegal = ({ kind, before }: (typeof steps)[number]) =>
    mayFollow[kind].includes(before) ||
    // two hand-outs at a time: what is repeated then is how it left its slot
    (kind === 'delivered' && before === 'stored' && repeats.some(isEnd))
  return [
    ...(path[0] === 'accepted' ? [] : ['does not begin with the acceptance']),
    ...(path.at(-1) === state ? [] : [`is said to be ${state}`]),
    ...(path.slice(0, -1).some(isEnd) ? ['goes on after its end'] : []),
    ...(new Set(path).size === path.length ? [] : ['tells a repeat as if it were new']),
    ...(incomplete || steps.every(isLegal) ? [] : ['is in no legal order']),
  ]
}

/** Nothing kept an outcome from being recorded, and in its time. */
function isRecordedWhole({ lost, excuses, untold, outcomes }: Life): boolean {
  const stored = outcomes.find(({ kind }) => kind === 'stored')
  const isLate = outcomes.some(({ kind, at }) => isEnd(kind) && stored && stored.at - at > LAG_MS)
  return lost.size === 0 && excuses.length === 0 && !untold && !isLate
}

function isTriedAgain({ receives, expiries, repeats }: Life): boolean {
  return receives > 1 || expiries > 1 || repeats > 0
}

/** What is said to have taken the slot was newer, of the same device and topic, and in the slot. */
function isReplacement({ replacedBy }: ReceiptEvent, life: Life, ledger: Ledger): boolean {
  if (replacedBy === undefined) return true
  const by = ledger.byUniqueId.get(replacedBy)
  const { deviceId, topic, seq } = life.notification
  return (
    by?.kept === true &&
    by.notification.deviceId === deviceId &&
    by.notification.topic === topic &&
    by.notification.seq > seq
  )
}
