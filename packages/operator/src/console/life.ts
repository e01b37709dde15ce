/** Until when a console lives. */
export interface Life {
  /** Somebody has asked for something. */
  touch(): void
  endsAt(): number
  /** Nothing ends it any more. */
  stop(): void
}

interface LifeOptions {
  readonly idleMs: number
  readonly now: () => number
  /** Whether work is under way that nobody has to watch. */
  isBusy(): boolean
  idle(): void
}

/** Ends what nobody has used for a while: an open page that only listens does not count, work that goes on does. */
export function startLife({ idleMs, now, isBusy, idle }: LifeOptions): Life {
  let touchedAt = now()
  let timer = setTimeout(look, idleMs)

  function look(): void {
    if (isBusy()) touchedAt = now()
    const left = touchedAt + idleMs - now()
    if (left > 0) timer = setTimeout(look, left)
    else idle()
  }

  return {
    touch() {
      touchedAt = now()
    },
    endsAt: () => touchedAt + idleMs,
    stop: () => clearTimeout(timer),
  }
}
