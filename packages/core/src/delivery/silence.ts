import type { DeviceId } from '@heliograph/protocol/identifiers'
import { FIRST_SILENCE_MS, LONGEST_SILENCE_MS } from '@heliograph/protocol/retry'
import type { Sent } from '../ports.ts'

/** Limits memory: about 150 bytes each; beyond this number, the oldest entry is forgotten. */
const MAX_DEVICES = 10_000

/**
 * The devices that are connected but have not acknowledged lately, as far as this environment
 * knows.
 */
export interface Silence {
  /** True if nothing should wait for this device now. Takes nobody's attempt, unlike `holds`. */
  rests(deviceId: DeviceId, nowMs: number): boolean
  /**
   * True if nothing should wait for this device now. When its silence is over, the first caller is
   * told to try, and all others are told not to until that attempt has been noted.
   */
  holds(deviceId: DeviceId, nowMs: number): boolean
  /** Notes the result of a message that needed an acknowledgement. */
  note(deviceId: DeviceId, sent: Sent, nowMs: number): void
}

interface Memory {
  /** How long the device is left alone after its next failure to acknowledge. */
  readonly periodMs: number
  readonly sinceMs: number
  /**
   * `silent`: left alone for `periodMs`; `tried`: one attempt is in progress; `answers`: treated as
   * any other device.
   */
  readonly state: 'silent' | 'tried' | 'answers'
}

/**
 * A circuit breaker for each device: an execution environment waits for a silent device once in a
 * while instead of for every notification. It is kept in memory and not in a table, so that sending
 * to a device that answers needs no reads.
 */
export function silence(maxDevices = MAX_DEVICES): Silence {
  const memories = new Map<DeviceId, Memory>()

  function remember(deviceId: DeviceId, memory: Memory | undefined): void {
    // re-inserted, so that the map's order is that of the last change
    memories.delete(deviceId)
    if (memory) memories.set(deviceId, memory)
    if (memories.size > maxDevices) memories.delete(memories.keys().next().value as DeviceId)
  }

  return {
    rests: (deviceId, nowMs) => isLeftAlone(memories.get(deviceId), nowMs),
    holds(deviceId, nowMs) {
      const memory = memories.get(deviceId)
      if (isLeftAlone(memory, nowMs)) return true
      if (memory && memory.state !== 'answers')
        remember(deviceId, { ...memory, sinceMs: nowMs, state: 'tried' })
      return false
    },
    note(deviceId, sent, nowMs) {
      const memory = memories.get(deviceId)
      remember(deviceId, sent === 'unconfirmed' ? lengthened(memory, nowMs) : shortened(memory))
    },
  }
}

function isLeftAlone(memory: Memory | undefined, nowMs: number): boolean {
  if (!memory || memory.state === 'answers') return false
  // a clock that was set back must not prolong a silence
  return Math.abs(nowMs - memory.sinceMs) < memory.periodMs
}

/** Messages that were in flight at the same time count as one failure. */
function lengthened(memory: Memory | undefined, nowMs: number): Memory {
  if (!memory) return { periodMs: FIRST_SILENCE_MS, sinceMs: nowMs, state: 'silent' }
  if (memory.state === 'silent') return memory
  const periodMs = Math.min(2 * memory.periodMs, LONGEST_SILENCE_MS)
  return { periodMs, sinceMs: nowMs, state: 'silent' }
}

/**
 * Step by step, so that a device that answers only every other time does not start over each time.
 */
function shortened(memory: Memory | undefined): Memory | undefined {
  if (!memory || memory.periodMs <= FIRST_SILENCE_MS) return undefined
  return { ...memory, periodMs: memory.periodMs / 2, state: 'answers' }
}
