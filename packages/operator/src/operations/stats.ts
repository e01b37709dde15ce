import type { Stats } from '@heliograph/core/stats/topic-stats'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { isMachine } from '../machine-deployment.ts'

/** As many parts as a chart has columns. */
const PARTS = 48

/**
 * What happened to the notifications of some topics, or of all counted topics, in the last so many
 * seconds.
 */
export async function readStats(
  deployment: Deployment,
  seconds: number,
  topics?: readonly string[],
): Promise<Stats> {
  const { stats } = deployment.ports
  if (!stats)
    throw new Failure(
      'notFound',
      'this stage counts no topics: deploy it with -c countedTopics=com.example.app (docs/cost.md has the price)',
    )
  const until = deployment.clock.now()
  const span = { since: until - seconds * 1_000, until, parts: PARTS }
  const found = await stats.read(span, topics)
  if (!found)
    throw new Failure(
      'notFound',
      `${topics?.join(', ')}: not all of these have metrics of their own; the others are counted as other`,
    )
  if (found.topics.length === 0)
    throw new Failure(
      'notFound',
      `nothing was sent${isMachine(deployment) ? ' that a receipt is kept of' : ''}`,
    )
  return found
}
