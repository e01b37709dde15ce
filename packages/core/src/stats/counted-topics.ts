import { OTHER_TOPICS } from '@heliograph/protocol/metrics'

/**
 * What a topic is counted as in metrics: itself, where the stage names it, and otherwise one name for all others.
 * Only the owner of a stage can add a metric: what a provider may send for has no part in it. Undefined if
 * the stage counts no topics.
 */
export type CountedAs = (topic: string) => string | undefined

export function countedAs(topics: readonly string[]): CountedAs {
  if (topics.length === 0) return () => undefined
  const named = new Set(topics)
  return (topic) => (named.has(topic) ? topic : OTHER_TOPICS)
}

/** What the stack has written into a function's variable. */
export function parseCountedTopics(text: string): readonly string[] {
  const value: unknown = JSON.parse(text)
  if (!isTexts(value)) throw new Error('the counted topics of this function are malformed')
  return value
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
