import type { OutcomeKind } from '@heliograph/protocol/outcome'

/** The outcome events in the functions' logs, by the unique id of the notification. */
export class OutcomeLog {
  readonly #kinds = new Map<string, OutcomeKind[]>()
  /** Log lines of level `error`, by their message and fault. */
  readonly faults = new Map<string, number>()

  /** A function's name for each invocation of it that took longer than it may. */
  readonly timeouts: string[] = []
  /** A function's name for each invocation whose thread ended under it. */
  readonly deaths: string[] = []

  readonly log = (part: string, line: string): void => {
    if (line.includes('Sandbox.Timedout')) this.timeouts.push(part)
    if (line.includes('Runtime.ExitError')) this.deaths.push(part)
    if (!line.startsWith('{')) return
    const { outcome, uniqueIds, level, message, fault } = parse(line)
    if (typeof outcome === 'string' && Array.isArray(uniqueIds))
      for (const uniqueId of uniqueIds.map(String))
        this.#kinds.set(uniqueId, [...this.of(uniqueId), outcome as OutcomeKind])
    if (level === 'error') this.#count(`${String(message)} (${String(fault)})`)
  }

  of(uniqueId: string): readonly OutcomeKind[] {
    return this.#kinds.get(uniqueId) ?? []
  }

  /** Every kind seen, with how often. */
  get totals(): OutcomeKind[] {
    return [...this.#kinds.values()].flat()
  }

  #count(name: string): void {
    this.faults.set(name, (this.faults.get(name) ?? 0) + 1)
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return {}
  }
}
