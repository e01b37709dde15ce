import { Failure } from '../failure.ts'
import type { Edge } from './edge.ts'

export interface FeedbackLine {
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly reason: string
  /** A token that has died. */
  readonly token?: string
  /** A notification that came to nothing. */
  readonly id?: string
}

export interface FeedbackPage {
  readonly feedback: readonly FeedbackLine[]
  readonly cursor: string
}

/**
 * One page of a topic's feedback after a cursor; the edge uses the certificate's first topic by
 * default.
 */
async function readFeedbackPage(
  edge: Edge,
  topic: string | undefined,
  after: string | undefined,
): Promise<FeedbackPage> {
  const query = new URLSearchParams({ ...(topic && { topic }), ...(after && { after }) })
  const path = `/3/feedback?${query.toString()}`
  const { status, body, headers } = await edge.request({ method: 'GET', path })
  if (status === 200) return JSON.parse(body) as FeedbackPage
  const why = headers['heliograph-detail'] ?? body
  throw new Failure('refused', `the edge refused the feedback with ${status}: ${why}`)
}

/** Every page up to now, oldest first. */
export async function readAllFeedback(
  edge: Edge,
  topic: string | undefined,
  after: string | undefined,
): Promise<FeedbackPage> {
  const feedback: FeedbackLine[] = []
  let cursor = after
  for (;;) {
    const page = await readFeedbackPage(edge, topic, cursor)
    feedback.push(...page.feedback)
    cursor = page.cursor
    if (page.feedback.length === 0) return { feedback, cursor }
  }
}
