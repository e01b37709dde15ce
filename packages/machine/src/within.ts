import { setTimeout as wait } from 'node:timers/promises'

const LOOK_MS = 10

/** Waits until it is so; false where it is not after `ms`. */
export async function within(ms: number, isSo: () => boolean): Promise<boolean> {
  const end = performance.now() + ms
  while (!isSo()) {
    if (performance.now() >= end) return false
    await wait(LOOK_MS)
  }
  return true
}
