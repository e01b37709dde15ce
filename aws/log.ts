import type { Outcome } from '../core/outcome.ts'
import type { Outcomes } from '../core/ports.ts'

type Fields = Readonly<Record<string, unknown>>

export interface Log {
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

/**
 * One JSON line per event; metric filters and CloudWatch Logs Insights read the fields. Straight to
 * standard output: Lambda puts time, request id and level before what `console` prints, and a metric
 * filter reads only lines that are JSON as a whole (AWS Lambda: "Log and monitor Node.js functions").
 */
export function jsonLog(service: string, stage: string): Log {
  const write =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      process.stdout.write(
        `${JSON.stringify({
          level,
          time: new Date().toISOString(),
          service,
          stage,
          message,
          ...fields,
        })}\n`,
      )
  return { info: write('info'), warn: write('warn'), error: write('error') }
}

/** Of a fault only its name and message: stacks and inputs may hold what must not be logged. */
export function faultFields(fault: unknown): Fields {
  return fault instanceof Error
    ? { fault: fault.name, detail: fault.message }
    : { fault: 'unknown', detail: String(fault) }
}

export function loggedOutcomes(log: Log): Outcomes {
  return {
    record({ kind, ...fields }: Outcome) {
      log.info(`notification ${kind}`, { outcome: kind, ...fields })
    },
  }
}
