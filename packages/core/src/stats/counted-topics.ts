import { OTHER_TOPICS } from '@heliograph/protocol/metrics'

/**
 * How a topic is counted in metrics: as itself if the stage names it, and otherwise under one name
 * for all others. Only the owner of a stage can add a metric; the topics that providers may send to
 * do not matter. Undefined if the stage counts no topics.
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
