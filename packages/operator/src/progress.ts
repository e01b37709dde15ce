import type { Session } from './session.ts'

/** Shows how far a long command is. */
export interface Progress {
  add(more: number): void
  /** Clears the line. */
  end(): void
}

/** Between two pictures on a screen, and between two lines elsewhere; milliseconds. */
const EVERY_MS = { screen: 100, lines: 10_000 }

const BAR = 24

/**
 * Progress on a screen as a bar, elsewhere as a line on standard error every ten seconds, and not at all
 * for scripts.
 *
 * @param done how many of `total` were done before.
 */
export function progressOf(
  { terminal, json }: Pick<Session, 'terminal' | 'json'>,
  {
    done: before,
    total,
    now = Date.now,
  }: { readonly done: number; readonly total: number; readonly now?: () => number },
): Progress {
  if (json) return { add: () => {}, end: () => {} }
  const { show } = terminal
  const every = show ? EVERY_MS.screen : EVERY_MS.lines
  const startedAt = now()
  let shownAt = startedAt
  let done = before
  const say = () => {
    const text = progressText({
      done,
      total,
      perSecond: ((done - before) * 1_000) / (now() - startedAt),
    })
    if (show) show(`${bar(done / total)} ${text}`)
    else terminal.note(text)
  }
  return {
    add(more) {
      done += more
      if (now() - shownAt < every) return
      shownAt = now()
      say()
    },
    end: () => show?.(''),
  }
}

function bar(share: number): string {
  const full = Math.floor(Math.min(1, share) * BAR)
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`
}

interface State {
  readonly done: number
  readonly total: number
  readonly perSecond: number
}

function progressText({ done, total, perSecond }: State): string {
  const percent = `${Math.floor((done * 100) / Math.max(1, total))}%`
  const left = perSecond > 0 ? Math.ceil((total - done) / perSecond) : undefined
  return [
    `${percent.padStart(4)}  ${done} of ${total}`,
    `${Math.round(perSecond)} a second`,
    ...(left === undefined ? [] : [`${clock(left)} left`]),
  ].join(', ')
}

/** `m:ss` */
function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
