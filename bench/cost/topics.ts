import { logOutcomes } from '@heliograph/aws/log'
import type { Outcome } from '@heliograph/core/outcome'
import { type CountedAs, countedAs } from '@heliograph/core/stats/counted-topics'
import { type OutcomeKind, outcomeKinds } from '@heliograph/protocol/outcome'
import { priorities } from '@heliograph/protocol/priority'
import { pushTypes } from '@heliograph/protocol/push-type'
import { dollars } from './prices.ts'

/** Times from acceptance to the device, directly and from storage. */
const TIMES = 2

/** Metrics of one counted topic where everything happens to it. */
const most = outcomeKinds.length + Object.keys(pushTypes).length + priorities.length + TIMES

/** What is asked of a topic: of times, three percentiles each. */
const asked = most - TIMES + 3 * TIMES

/** An app that sends alerts of one priority, of which nothing is undeliverable or given up. */
const usual = outcomeKinds.length - 2 + 1 + 1 + TIMES

/** The section of `docs/cost.md` about metrics by topic. */
export function topicsSection(): string {
  const bytes = bytesEach(countedAs([TOPIC])) - bytesEach(countedAs([]))
  const month = (count: number) => `$${dollars('metricMonth', count).toFixed(2)}`
  return `## Metrics by topic

A stage counts separately only the topics that \`countedTopics\` names. Each of them has at most ${most} metrics:
${outcomeKinds.length} outcomes, ${Object.keys(pushTypes).length} push types, ${priorities.length} priorities and two times to the device (at once and from storage), ${month(most)} a month if all of them occur. CloudWatch
charges a metric for each hour in which it has values, so an app that sends alerts of one priority costs about ${month(usual)} for its ${usual}. All other topics
together count as one more. At most 20 topics can be named, so the bill is at most ${month(21 * most)} a month, whatever providers send.

A notification's log lines get ${bytes} bytes longer (in batches of ten, with a bundle id of ${TOPIC.length} characters): $${dollars('logGigabyte', bytes / 1e3).toFixed(2)} per million. Metric filters cost nothing. \`heliograph stats\`
requests ${asked} metrics per topic, $${dollars('metricRequest', asked).toFixed(4)}.`
}

const TOPIC = 'com.example.app'
const BATCH = 10

/** Bytes in the logs of accept and of deliver for a notification that is delivered at once. */
function bytesEach(counted: CountedAs): number {
  const bytesOf = (outcomes: readonly Outcome[]) => {
    let bytes = 0
    const line = (fields: object) => {
      bytes += JSON.stringify(fields).length
    }
    logOutcomes({ line }, outcomes, counted)
    return bytes
  }
  const delivered = Array.from({ length: BATCH }, () => outcome('delivered'))
  return Math.round(bytesOf([outcome('accepted')]) + bytesOf(delivered) / BATCH)
}

function outcome(kind: OutcomeKind): Outcome {
  return {
    ...{ kind, topic: TOPIC, pushType: 'alert', priority: 10, idFromProvider: false },
    ...{ id: '', uniqueId: '', deviceId: '', seq: '', tokenFingerprint: '' },
    ...{ acceptedAt: 0, at: 100, age: 100 },
  }
}
