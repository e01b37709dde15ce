import type { Outcome } from '../core/outcome.ts'
import type { Outcomes } from '../core/ports.ts'

type Fields = Readonly<Record<string, unknown>>

export interface Log {
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

/** One JSON line per event; CloudWatch Logs Insights reads the fields. */
export function jsonLog(service: string, stage: string): Log {
  const write =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      console.log(
        JSON.stringify({
          level,
          time: new Date().toISOString(),
          service,
          stage,
          message,
          ...fields,
        }),
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
