import type { GatewayOptions, ThrottleSettings } from './options.ts'

/** Takes one request at a time given in milliseconds; false means that it is one too many. */
export type Throttle = (nowMs: number) => boolean

/** What an account may do in a region over all its APIs ("Quotas for HTTP APIs"). */
const accountThrottle: ThrottleSettings = { rateLimit: 10_000, burstLimit: 5_000 }

/** A token bucket: `burstLimit` tokens at first, refilled with `rateLimit` a second. */
export function createThrottle({ rateLimit, burstLimit }: ThrottleSettings): Throttle {
  let tokens = burstLimit
  let last = Number.NEGATIVE_INFINITY
  return (nowMs) => {
    const elapsed = Math.max(0, nowMs - last)
    tokens = Math.min(burstLimit, tokens + (elapsed * rateLimit) / 1000)
    last = nowMs
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}

/** The throttle of the stage, and those that single routes have in its place, by their keys. */
export function createThrottles({
  throttle = accountThrottle,
  routeThrottles = {},
}: Pick<GatewayOptions, 'throttle' | 'routeThrottles'>): (routeKey: string) => Throttle {
  const ofStage = createThrottle(throttle)
  const ofRoutes = new Map(
    Object.entries(routeThrottles).map(([key, settings]) => [key, createThrottle(settings)]),
  )
  return (routeKey) => ofRoutes.get(routeKey) ?? ofStage
}
