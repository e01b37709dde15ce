import type { Outcome } from '@heliograph/core/outcome'
import type { Outcomes } from '@heliograph/core/ports'
import { DELIVERY_TIME, METRIC_NAMESPACE } from '@heliograph/protocol/metrics'
import type { OutcomeKind } from '@heliograph/protocol/outcome'

type Fields = Readonly<Record<string, unknown>>

export interface Log {
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

/** A log that also takes a line that says in its fields alone what it is about. */
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

/** Logs outcomes at once. */
export function loggedOutcomes(log: Pick<JsonLog, 'line'>): Outcomes {
  return {
    record: (outcome) => logOutcomes(log, [outcome]),
    recordTogether: (outcomes) => logOutcomes(log, outcomes),
  }
}

/** Values that CloudWatch takes of one metric in one line ("Embedded metric format specification"). */
const MOST_VALUES = 100

/**
 * One line for each topic and outcome, as the bytes of logs are what outcomes cost. A line has no
 * message: `outcome` says all. `count` is counted by a metric filter; what filters cannot do, a
 * distribution of several values, is in the embedded metric format.
 */
export function logOutcomes(log: Pick<JsonLog, 'line'>, outcomes: readonly Outcome[]): void {
  for (const group of groupsOf(outcomes))
    for (let at = 0; at < group.length; at += MOST_VALUES)
      log.line(fieldsOf(group.slice(at, at + MOST_VALUES)))
}

function groupsOf(outcomes: readonly Outcome[]): Outcome[][] {
  const groups = new Map<string, Outcome[]>()
  for (const outcome of outcomes) {
    const key = `${outcome.kind} ${outcome.topic}`
    const group = groups.get(key)
    if (group) group.push(outcome)
    else groups.set(key, [outcome])
  }
  return [...groups.values()]
}

function fieldsOf(outcomes: readonly Outcome[]): Fields {
  const [{ kind, topic }] = outcomes as readonly [Outcome]
  return {
    outcome: kind,
    count: outcomes.length,
    topic,
    uniqueIds: outcomes.map(({ uniqueId }) => uniqueId),
    ...detailsOf(kind, outcomes),
  }
}

/** What is not in another line about the same notification, or is asked for where something went wrong. */
function detailsOf(kind: OutcomeKind, outcomes: readonly Outcome[]): Fields {
  const ages = outcomes.map(({ age }) => age)
  if (kind === 'delivered') return deliveryTimes(outcomes, ages)
  // the service's own apns-id is the apns-unique-id in capitals
  const ids = outcomes.some(({ idFromProvider }) => idFromProvider) && {
    ids: outcomes.map(({ id }) => id),
  }
  if (kind === 'accepted') return { ...ids }
  return { ...ids, ages, deviceIds: outcomes.map(({ deviceId }) => deviceId) }
}

function deliveryTimes(outcomes: readonly Outcome[], ages: readonly number[]): Fields {
  const metric = {
    Namespace: METRIC_NAMESPACE,
    Dimensions: [['stage']],
    Metrics: [{ Name: DELIVERY_TIME, Unit: 'Milliseconds' }],
  }
  const _aws = { Timestamp: outcomes[0]?.at, CloudWatchMetrics: [metric] }
  return { [DELIVERY_TIME]: ages, _aws }
}
