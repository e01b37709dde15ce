type Fields = Readonly<Record<string, unknown>>

export interface Log {
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

/**
 * One JSON line per event. Never a payload, a whole token or a key, because logs get copied around.
 *
 * @param write gets whole lines; default: standard output.
 */
export function jsonLog(write: (line: string) => void = (line) => process.stdout.write(line)): Log {
  const at =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      write(`${JSON.stringify({ level, time: new Date().toISOString(), message, ...fields })}\n`)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** Only the name and message of a fault: stacks and inputs may hold what must not be logged. */
export function faultFields(fault: unknown): Fields {
  return fault instanceof Error
    ? { fault: fault.name, detail: fault.message }
    : { fault: 'unknown', detail: String(fault) }
}

/** The least time between two lines of one kind. */
const PAUSE_MS = 1_000

/** For lines that strangers can cause: one per second of each kind, with a count. */
export function seldom(write: (detail: string, count: number) => void): (detail: string) => void {
  let count = 0
  let last = Number.NEGATIVE_INFINITY
  return (detail) => {
    count += 1
    const now = performance.now()
    if (now - last < PAUSE_MS) return
    write(detail, count)
    count = 0
    last = now
  }
}
