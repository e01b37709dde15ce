import { setTimeout as wait } from 'node:timers/promises'

const LOOK_MS = 10

/** Waits until the condition holds; false if it does not after `ms`. */
export async function within(ms: number, isSo: () => boolean): Promise<boolean> {
  const end = performance.now() + ms
  while (!isSo()) {
    if (performance.now() >= end) return false
    await wait(LOOK_MS)
  }
  return true
}
