import { setTimeout as sleep } from 'node:timers/promises'
import {
  DeleteConflictException,
  InvalidRequestException,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot'

/** Waits this many milliseconds; tests use their own. */
export type Wait = (ms: number) => Promise<unknown>

export const systemWait: Wait = (ms) => sleep(ms)

/**
 * Milliseconds between two attempts. "It might take several seconds for the detachment to propagate"
 * (API_DetachThingPrincipal); if it takes longer, the caller has to repeat it.
 */
const detachPauses: readonly number[] = [250, 500, 1_000, 2_000, 4_000]

/**
 * Deletes what something has just been detached from, and again while IoT Core still believes in
 * the attachment: detaching is asynchronous there. The last refusal is thrown.
 */
export async function deletePatiently(
  remove: () => Promise<unknown>,
  wait: Wait = systemWait,
  pauses: readonly number[] = detachPauses,
): Promise<void> {
  for (const pause of pauses) {
    try {
      await unlessGone(remove)
      return
    } catch (fault) {
      if (!isStillAttached(fault)) throw fault
      await wait(pause)
    }
  }
  await unlessGone(remove)
}

/** DeleteCertificate and DeletePolicy refuse with the one, DeleteThing with the other. */
export function isStillAttached(fault: unknown): boolean {
  return fault instanceof DeleteConflictException || fault instanceof InvalidRequestException
}

/** Makes the call; something that no longer exists does not have to be removed. */
export async function unlessGone(call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (fault) {
    if (!(fault instanceof ResourceNotFoundException)) throw fault
  }
}
