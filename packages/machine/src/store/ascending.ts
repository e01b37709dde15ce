import type { Ids } from '@heliograph/core/ports'
import type { Environment } from './environment.ts'

const MARK = 'latest seq'

/** How often the time that seqs have reached is noted, milliseconds. */
const NOTE_MS = 10_000

/** Ids whose seqs ascend from start to start, too. */
export interface AscendingIds extends Ids {
  /** Notes the time that they have reached, if it is not known yet. */
  note(): Promise<void>
}

/**
 * The newest notification wins by its seq, which starts with the time. If the clock is set back,
 * new notifications must not appear older than stored ones: seqs start where those of an earlier
 * process may have ended.
 */
export function ascendingIds(ids: Ids, environment: Environment): AscendingIds {
  const marks = environment.table<number, string>('meta')
  let noted = marks.get(MARK) ?? 0
  // what a killed process has not noted any more
  let latest = noted === 0 ? 0 : noted + NOTE_MS
  let isNoted = true
  return {
    bytes: (length) => ids.bytes(length),
    uuid: () => ids.uuid(),
    seq(nowMs) {
      if (nowMs > latest) latest = nowMs
      isNoted = false
      return ids.seq(latest)
    },
    async note() {
      if (isNoted || latest === noted) return
      isNoted = true
      const at = latest
      await environment.change(() => void marks.put(MARK, at))
      noted = at
    },
  }
}

/** Notes it again and again; returns what stops that. */
export function startNoting(ids: AscendingIds, failed: (fault: unknown) => void): () => void {
  const timer = setInterval(() => ids.note().catch(failed), NOTE_MS)
  timer.unref()
  return () => clearInterval(timer)
}
