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

/**
 * Which outcomes of a topic are kept as receipts: none, all but a notification that was delivered at
 * once, or all.
 */
export const receiptLevels = ['off', 'exceptions', 'all'] as const

export type ReceiptLevel = (typeof receiptLevels)[number]
