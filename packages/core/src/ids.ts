import type { Seq } from '@heliograph/protocol/identifiers'
import { monotonicFactory } from 'ulid'
import type { Ids } from './ports.ts'

/** The source of randomness. */
export interface Randomness {
  bytes(length: number): Uint8Array
  /** As `Ids` has it. */
  uuid(): string
}

export function idsFrom({ bytes, uuid }: Randomness): Ids {
  const ulid = monotonicFactory(fractions(bytes))
  return { uuid, bytes, seq: (nowMs) => ulid(nowMs) as Seq }
}

const BYTES_AT_ONCE = 1024

/**
 * Random numbers from 0 to 1 in steps of 1/256; asking the system for single bytes costs 3 µs each.
 */
function fractions(random: Randomness['bytes']): () => number {
  let bytes = random(0)
  let at = 0
  return () => {
    if (at === bytes.length) {
      bytes = random(BYTES_AT_ONCE)
      at = 0
    }
    const byte = bytes[at] ?? 0
    at += 1
    return byte / 256
  }
}

/** A version 7 UUID (RFC 9562 §5.7): 48 bits of milliseconds, and the random bits of one of version 4. */
export function timedUuid(nowMs: number, version4: string): string {
  const time = nowMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${version4.slice(15)}`
}
