import type { Topic } from '@heliograph/protocol/identifiers'
import { isPendingRule, type PendingRules } from '@heliograph/protocol/pending-rule'

/** How many of a topic may wait for a device, one of each collapse id; undefined: its newest. */
export function perCollapseIdOf(rules: PendingRules, topic: Topic): number | undefined {
  const rule = Object.hasOwn(rules, topic) ? rules[topic] : undefined
  return typeof rule === 'object' ? rule.perCollapseId : undefined
}

/** The rules that the stack has put into a function's variable. */
export function parsePendingRules(text: string): PendingRules {
  const value: unknown = JSON.parse(text)
  if (!areRules(value)) throw new Error('the rules for pending notifications are malformed')
  return value
}

function areRules(value: unknown): value is PendingRules {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(isPendingRule)
  )
}
