import type { ActivationOptions } from './activation.ts'
import { type Clock, systemClock } from './clock.ts'

export interface DeviceOptions {
  /** Where this device keeps its state; one running process per directory. */
  readonly directory: string
  /** Needed once, until the device is activated. */
  readonly activation?: ActivationOptions
  /** How long `register` and `unregister` wait for the service; default 30,000. */
  readonly timeLimitMs?: number
  /** How long `close` waits for handlers at work; default 5,000. */
  readonly closeLimitMs?: number
  /** Default 60; IoT Core drops a silent connection after one and a half times this. */
  readonly keepaliveSeconds?: number
  /** How long an attempt may take up to CONNACK; default 20,000. */
  readonly connectTimeoutMs?: number
  /** Lines for a person; they hold no payload, token, code or key. */
  readonly log?: (line: string) => void
  /**
   * Whether the device may follow the service to this place, when the service says that it moves there; by default to
   * any. The place is believed once the service that the device knows has named it.
   */
  readonly mayMoveTo?: (address: { readonly host: string; readonly port: number }) => boolean
  readonly clock?: Clock
  /** From 0 up to 1, for the jitter of retries. */
  readonly random?: () => number
}

/** The options with every default filled in. */
export type Settings = Required<Omit<DeviceOptions, 'activation'>> &
  Pick<DeviceOptions, 'activation'>

export function withDefaults(options: DeviceOptions): Settings {
  const defaults = {
    timeLimitMs: 30_000,
    closeLimitMs: 5_000,
    keepaliveSeconds: 60,
    connectTimeoutMs: 20_000,
    log: () => {},
    clock: systemClock,
    random: Math.random,
    mayMoveTo: () => true,
  }
  return { ...defaults, ...options }
}
