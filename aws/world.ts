import { randomBytes, randomUUID } from 'node:crypto'
import { monotonicFactory } from 'ulid'
import type { Seq } from '../core/identifiers.ts'
import type { Clock, Ids } from '../core/ports.ts'

/** This machine's clock and randomness. */
export const systemClock: Clock = { now: () => Date.now() }

export function systemIds(): Ids {
  const ulid = monotonicFactory(fractions())
  return {
    uuid: () => randomUUID(),
    bytes: (length) => new Uint8Array(randomBytes(length)),
    seq: (nowMs) => ulid(nowMs) as Seq,
  }
}

/** Random numbers from 0 to 1 in steps of 1/256; asking the system for single bytes costs 3 µs each. */
function fractions(): () => number {
  let bytes = randomBytes(0)
  let at = 0
  return () => {
    if (at === bytes.length) {
      bytes = randomBytes(1024)
      at = 0
    }
    const byte = bytes.readUInt8(at)
    at += 1
    return byte / 256
  }
}
