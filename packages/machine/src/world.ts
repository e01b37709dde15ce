import { randomBytes, randomUUID } from 'node:crypto'
import { idsFrom, timedUuid } from '@heliograph/core/ids'
import type { Clock, Ids } from '@heliograph/core/ports'

/** This machine's clock and randomness. */
export const systemClock: Clock = { now: () => Date.now() }

export function systemIds(): Ids {
  return idsFrom({
    bytes: (length) => new Uint8Array(randomBytes(length)),
    uuid: () => timedUuid(Date.now(), randomUUID()),
  })
}
