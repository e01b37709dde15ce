import { randomBytes, randomUUID } from 'node:crypto'
import { monotonicFactory } from 'ulid'
import type { Seq } from '../core/identifiers.ts'
import type { Clock, Ids } from '../core/ports.ts'

/** This machine's clock and randomness. */
export const systemClock: Clock = { now: () => Date.now() }

export function systemIds(): Ids {
  const ulid = monotonicFactory(() => randomBytes(1).readUInt8() / 256)
  return {
    uuid: () => randomUUID(),
    bytes: (length) => new Uint8Array(randomBytes(length)),
    seq: (nowMs) => ulid(nowMs) as Seq,
  }
}
