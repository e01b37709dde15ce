import { ringOf } from '@heliograph/core/token/key-ring'
import { type RotatePorts, type Rotation, rotate } from '@heliograph/core/token/rotate'

const DAY_MS = 24 * 3600_000

/** As a stage on AWS unless it says otherwise (lib/stage.ts): a new token key so often … */
export const ROTATION_MS = 90 * DAY_MS
/** … and the old one opens tokens for so long. */
export const GRACE_MS = 180 * DAY_MS

/** Rotates when the primary key is old enough; it may be asked at any time. */
export async function rotateWhenDue(
  ports: Omit<RotatePorts, 'graceMs'>,
): Promise<Rotation | undefined> {
  const primary = ringOf(await ports.tokenKeys.list()).find(({ state }) => state === 'primary')
  const isDue = !primary || ports.clock.now() - primary.createdAt >= ROTATION_MS
  return isDue ? rotate({ ...ports, graceMs: GRACE_MS }) : undefined
}
