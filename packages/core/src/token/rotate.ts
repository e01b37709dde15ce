import type { TokenKeyId } from '@heliograph/protocol/identifiers'
import type { Clock, Ids, TokenKeyStore } from '../ports.ts'
import { type KeyInRing, keysToRetire, ringOf } from './key-ring.ts'

export interface RotatePorts {
  readonly clock: Clock
  readonly ids: Ids
  readonly tokenKeys: TokenKeyStore
  readonly graceMs: number
}

export interface Rotation {
  readonly created: TokenKeyId
  readonly retired: readonly TokenKeyId[]
}

/** Adds a new primary key and retires those whose grace time is over. */
export async function rotate(ports: RotatePorts): Promise<Rotation> {
  const now = ports.clock.now()
  const created = ports.ids.seq(now) as string as TokenKeyId
  await ports.tokenKeys.create(created, now)
  const retired = keysToRetire(await ports.tokenKeys.list(), now, ports.graceMs)
  for (const id of retired) await ports.tokenKeys.retire(id, now)
  return { created, retired }
}

/** A schedule may fire twice; a key this young is what the first firing made. */
const SCHEDULE_GUARD_MS = 24 * 3600_000

/** As `rotate`, unless the primary key is less than a day old. */
export async function rotateOnSchedule(ports: RotatePorts): Promise<Rotation | undefined> {
  const primary = ringOf(await ports.tokenKeys.list()).find(({ state }) => state === 'primary')
  const isYoung = primary && ports.clock.now() - primary.createdAt < SCHEDULE_GUARD_MS
  return isYoung ? undefined : rotate(ports)
}

/** The first key of a new deployment; does nothing if there is one. */
export async function ensureKey(ports: RotatePorts): Promise<KeyInRing | undefined> {
  const ring = ringOf(await ports.tokenKeys.list())
  const primary = ring.find((key) => key.state === 'primary')
  if (!primary)
    await ports.tokenKeys.create(
      ports.ids.seq(ports.clock.now()) as string as TokenKeyId,
      ports.clock.now(),
    )
  return primary
}
