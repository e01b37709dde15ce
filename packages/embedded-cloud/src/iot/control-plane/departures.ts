/**
 * What was detached a moment ago. At AWS "it might take several seconds for the detachment to
 * propagate" (API_DetachThingPrincipal), and up to five minutes for a policy (API_DetachPolicy):
 * until then, deleting either side is refused.
 */
export class Departures {
  readonly #lagMs: number
  readonly #now: () => number
  /** When each side, by its ARN, is free. */
  readonly #until = new Map<string, number>()

  constructor(lagMs: number, now: () => number) {
    this.#lagMs = lagMs
    this.#now = now
  }

  note(...arns: readonly string[]): void {
    if (this.#lagMs === 0) return
    for (const arn of arns) this.#until.set(arn, this.#now() + this.#lagMs)
  }

  /** Whether something still holds on to this. */
  hold(arn: string): boolean {
    const until = this.#until.get(arn) ?? 0
    if (this.#now() < until) return true
    this.#until.delete(arn)
    return false
  }
}
