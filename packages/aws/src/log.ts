import type { Outcome } from '@heliograph/core/outcome'
import type { Outcomes } from '@heliograph/core/ports'
import { type CountedAs, countedAs } from '@heliograph/core/stats/counted-topics'
import { CANARY_TOPIC } from '@heliograph/protocol/canary'
import {
  COUNTED_TOPIC,
  DELIVERY_TIME,
  METRIC_NAMESPACE,
  STORED_DELIVERY_TIME,
} from '@heliograph/protocol/metrics'

type Fields = Readonly<Record<string, unknown>>

export interface Log {
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

/** A log that also accepts a line without a message, which consists of fields only. */
export interface JsonLog extends Log {
  line(fields: Fields): void
}

/**
 * One JSON line per event; metric filters and CloudWatch Logs Insights read the fields. Straight to
 * standard output: Lambda puts time, request id and level before what `console` prints, and a metric
 * filter reads only lines that are JSON as a whole (AWS Lambda: "Log and monitor Node.js functions").
 */
export function jsonLog(service: string, stage: string): JsonLog {
  const put = (level: string, fields: Fields) => {
    const time = new Date().toISOString()
    process.stdout.write(`${JSON.stringify({ level, time, service, stage, ...fields })}\n`)
  }
  const write =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      put(level, { message, ...fields })
  const line = (fields: Fields) => put('info', fields)
  return { line, info: write('info'), warn: write('warn'), error: write('error') }
}

/** Of a fault only its name and message: stacks and inputs may hold what must not be logged. */
export function faultFields(fault: unknown): Fields {
  return fault instanceof Error
    ? { fault: fault.name, detail: fault.message }
    : { fault: 'unknown', detail: String(fault) }
}

const uncounted = countedAs([])

/** Logs outcomes at once. */
export function loggedOutcomes(
  log: Pick<JsonLog, 'line'>,
  counted: CountedAs = uncounted,
): Outcomes {
  return {
    record: (outcome) => logOutcomes(log, [outcome], counted),
    recordTogether: (outcomes) => logOutcomes(log, outcomes, counted),
  }
}

/**
 * Values of one metric that CloudWatch accepts in one line ("Embedded metric format
 * specification").
 */
const MOST_VALUES = 100

/**
 * One line for each topic and outcome, as the bytes of logs are what outcomes cost. A line has no
 * message: `outcome` says all. `count` is counted by metric filters; what filters cannot do, a
 * distribution of several values, is in the embedded metric format. Where the stage counts topics, a line
 * says what its topic is counted as, and one about acceptance has one push type and priority. Lines about the
 * canary have no `outcome`, so that nothing counts them.
 */
export function logOutcomes(
  log: Pick<JsonLog, 'line'>,
  outcomes: readonly Outcome[],
  counted: CountedAs = uncounted,
): void {
  for (const group of groupsOf(outcomes, counted))
    for (let at = 0; at < group.length; at += MOST_VALUES)
      log.line(fieldsOf(group.slice(at, at + MOST_VALUES), counted))
}

function groupsOf(outcomes: readonly Outcome[], counted: CountedAs): Outcome[][] {
  const groups = new Map<string, Outcome[]>()
  for (const outcome of outcomes) {
    const { kind, topic, pushType, priority } = outcome
    const isCounted = kind === 'accepted' && counted(topic) !== undefined
    const key = `${kind} ${topic}${isCounted ? ` ${pushType} ${priority}` : ''}`
    const group = groups.get(key)
    if (group) group.push(outcome)
    else groups.set(key, [outcome])
  }
  return [...groups.values()]
}

function fieldsOf(outcomes: readonly Outcome[], counted: CountedAs): Fields {
  const [{ kind, topic }] = outcomes as readonly [Outcome]
  const uniqueIds = outcomes.map(({ uniqueId }) => uniqueId)
  if (topic === CANARY_TOPIC)
    return { canary: kind, uniqueIds, ages: outcomes.map(({ age }) => age) }
  const name = counted(topic)
  return {
    outcome: kind,
    count: outcomes.length,
    topic,
    ...(name !== undefined && { [COUNTED_TOPIC]: name }),
    uniqueIds,
    ...detailsOf(outcomes, name !== undefined),
  }
}

/**
 * Fields that no other line about the same notification has, or that are needed if something went
 * wrong.
 */
function detailsOf(outcomes: readonly Outcome[], isCounted: boolean): Fields {
  const [{ kind, pushType, priority }] = outcomes as readonly [Outcome]
  const ages = outcomes.map(({ age }) => age)
  if (kind === 'delivered') return times(DELIVERY_TIME, outcomes, isCounted)
  // the service's own apns-id is the apns-unique-id in capitals
  const ids = outcomes.some(({ idFromProvider }) => idFromProvider) && {
    ids: outcomes.map(({ id }) => id),
  }
  // dimensions are texts
  if (kind === 'accepted')
    return { ...ids, ...(isCounted && { pushType, priority: String(priority) }) }
  const stored = kind === 'drained' && isCounted && times(STORED_DELIVERY_TIME, outcomes, true)
  return { ...ids, ages, deviceIds: outcomes.map(({ deviceId }) => deviceId), ...stored }
}

function times(name: string, outcomes: readonly Outcome[], isCounted: boolean): Fields {
  const metric = {
    Namespace: METRIC_NAMESPACE,
    Dimensions: [['stage'], ...(isCounted ? [['stage', COUNTED_TOPIC]] : [])],
    Metrics: [{ Name: name, Unit: 'Milliseconds' }],
  }
  const _aws = { Timestamp: outcomes[0]?.at, CloudWatchMetrics: [metric] }
  return { [name]: outcomes.map(({ age }) => age), _aws }
}
