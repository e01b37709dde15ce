import { type ReceiptLevel, receiptLevels } from '@heliograph/protocol/outcome'
import type { Outcome } from '../outcome.ts'

/** Which outcomes are kept as receipts: for the topics named here, and for all others. */
export interface ReceiptSettings {
  readonly default: ReceiptLevel
  readonly topics: Readonly<Record<string, ReceiptLevel>>
}

/**
 * Whether an outcome is kept. A notification that is delivered at once is not an exception; one
 * that was stored is, so its end is kept, too.
 */
export function wantsReceipt(settings: ReceiptSettings, { kind, topic }: Outcome): boolean {
  const level = Object.hasOwn(settings.topics, topic) ? settings.topics[topic] : settings.default
  if (level === 'exceptions') return kind !== 'accepted' && kind !== 'delivered'
  return level === 'all'
}

/** The setting that the stack has put into a function's variable. */
export function parseReceiptSettings(text: string): ReceiptSettings {
  const value: unknown = JSON.parse(text)
  if (!isSettings(value)) throw new Error('the receipt settings of this function are malformed')
  return value
}

function isSettings(value: unknown): value is ReceiptSettings {
  if (typeof value !== 'object' || value === null || !('default' in value)) return false
  if (!('topics' in value) || typeof value.topics !== 'object' || value.topics === null)
    return false
  const levels: readonly unknown[] = [value.default, ...Object.values(value.topics)]
  return levels.every((level) => receiptLevels.some((known) => known === level))
}
