import type { Deployment } from '../deployment.ts'
import { failureOf } from '../fault.ts'

/** A deployment that is found when it is first needed, and again after it did not answer. */
export interface Reopening {
  get(): Promise<Deployment>
  /** What did not answer may be elsewhere by now: it is looked for anew. */
  noteFault(fault: unknown): void
  close(): Promise<void>
}

/** Others may still be working with what is left; after so long nobody is. */
const LEFT_MS = 120_000

export function reopening(open: () => Promise<Deployment>): Reopening {
  let current: Promise<Deployment> | undefined
  const left = new Set<Promise<Deployment>>()
  const close = async (opening: Promise<Deployment>) => {
    left.delete(opening)
    await opening.then((opened) => opened.close()).catch(() => {})
  }
  return {
    get() {
      if (current) return current
      const opening = open()
      current = opening
      opening.catch(() => {
        if (current === opening) current = undefined
      })
      return opening
    },
    noteFault(fault) {
      if (!current || failureOf(fault)?.kind !== 'unreachable') return
      const opening = current
      current = undefined
      left.add(opening)
      setTimeout(() => void close(opening), LEFT_MS).unref()
    },
    async close() {
      await Promise.all([...left, ...(current ? [current] : [])].map(close))
    },
  }
}
