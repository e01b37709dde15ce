import { setTimeout as wait } from 'node:timers/promises'

/** How long anything is waited for: a bound for what never comes, not for how fast a machine is. */
const LIMIT_MS = 60_000
const LOOK_EVERY_MS = 10

/** Waits until `look` gives something true, and returns that. */
export async function until<Value>(
  look: () => Value | undefined | false,
  what: string,
  limitMs = LIMIT_MS,
): Promise<Value> {
  const end = Date.now() + limitMs
  for (;;) {
    const value = look()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`waited ${limitMs / 1000} s in vain for ${what}`)
    await wait(LOOK_EVERY_MS)
  }
}

/** A pause in which nothing may happen. */
export const settle = (ms = 700): Promise<void> => wait(ms)
