import type { Ids } from '@heliograph/core/ports'
import type { Environment } from './environment.ts'

const MARK = 'latest seq'

/** How often it is noted what time seqs have come to, milliseconds. */
const NOTE_MS = 10_000

/** Ids whose seqs ascend from start to start, too. */
export interface AscendingIds extends Ids {
  /** Notes what time they have come to, where that is not known yet. */
  note(): Promise<void>
}

/**
 * The newest notification wins by its seq, which begins with the time. A clock that is set back must not make
 * what comes now older than what is stored: seqs begin where those of an earlier process may have ended.
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
