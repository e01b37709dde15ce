/** Every event in the life of an accepted notification; all but the first two kinds end it. */
export const outcomeKinds = [
  'accepted',
  'stored',
  'delivered',
  'drained',
  'coalesced',
  'expired',
  'unregistered',
  'undeliverable',
  'duplicate',
  'dead-lettered',
] as const

export type OutcomeKind = (typeof outcomeKinds)[number]

/** Why a notification never reached its device. */
export const discardReasons = [
  'coalesced',
  'expired',
  'unregistered',
  'undeliverable',
  'duplicate',
  'dead-lettered',
] as const satisfies readonly OutcomeKind[]

/** The outcomes that can be published to subscribers. */
export const announcedOutcomes = [
  'stored',
  'delivered',
  'drained',
  ...discardReasons,
] as const satisfies readonly Exclude<OutcomeKind, 'accepted'>[]

/**
 * Which outcomes of a topic are kept as receipts: none, all except those of notifications delivered
 * at once, or all.
 */
export const receiptLevels = ['off', 'exceptions', 'all'] as const

export type ReceiptLevel = (typeof receiptLevels)[number]

/**
 * Which events of a topic are published: none, dead tokens, also all except those of notifications
 * delivered at once, or all.
 */
export const eventLevels = ['off', 'tokens', 'exceptions', 'all'] as const

export type EventLevel = (typeof eventLevels)[number]
