import type { Readable } from 'node:stream'
import { type Refusal, refusals } from './refusals.ts'

/** "Quotas for HTTP APIs": payload size. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024

/** Counts the bytes of bodies in memory over all connections, so that they stay within a bound. */
export interface ByteBudget {
  take(bytes: number): boolean
  give(bytes: number): void
}

export function createByteBudget(limit: number): ByteBudget {
  let held = 0
  return {
    take(bytes) {
      if (held + bytes > limit) return false
      held += bytes
      return true
    },
    give(bytes) {
      held -= bytes
    },
  }
}

export type BodyResult =
  | { readonly is: 'whole'; readonly body: Buffer; readonly held: number }
  | { readonly is: 'refused'; readonly refusal: Refusal }
  /** The client left; nobody waits for an answer. */
  | { readonly is: 'abandoned' }

/**
 * Reads a request body whole. Of a whole body, `held` bytes of the budget are the caller's to give
 * back; whatever happens otherwise, they have been.
 */
export function readBody(
  source: Readable,
  budget: ByteBudget,
  timeoutMs: number,
): Promise<BodyResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let held = 0
    const timer = setTimeout(() => refuse(refusals.bodyTooSlow), timeoutMs)
    const settle = (result: BodyResult) => {
      clearTimeout(timer)
      source.removeListener('data', onData).removeListener('end', onEnd)
      source.removeListener('close', onGone).removeListener('error', onGone)
      if (result.is !== 'whole') budget.give(held)
      resolve(result)
    }
    const refuse = (refusal: Refusal) => {
      settle({ is: 'refused', refusal })
      source.pause()
    }
    const onData = (chunk: Buffer) => {
      if (held + chunk.length > MAX_BODY_BYTES) return refuse(refusals.bodyTooLarge)
      if (!budget.take(chunk.length)) return refuse(refusals.unavailable)
      held += chunk.length
      chunks.push(chunk)
    }
    const onEnd = () => settle({ is: 'whole', body: Buffer.concat(chunks, held), held })
    const onGone = () => settle({ is: 'abandoned' })
    source.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone)
  })
}
