/**
 * The topic of the canary, the service's own device. No figure, receipt setting or subscriber of the owner's sees
 * it: what becomes of its notifications is in the log and in metrics of its own.
 */
export const CANARY_TOPIC = 'heliograph.canary'

/** How long each step of a run may take, milliseconds. What takes longer has not come. */
export const canaryLimits = {
  connectMs: 10_000,
  registerMs: 8_000,
  reachMs: 5_000,
  sendMs: 8_000,
  hearMs: 20_000,
} as const

/** All steps together, and time to close the connections: less than a minute, so that no run meets the next. */
export const CANARY_TIMEOUT_SECONDS = 58

/** Seconds after which nobody waits for a canary's notification any more. */
export const CANARY_LIFETIME_SECONDS = 60
