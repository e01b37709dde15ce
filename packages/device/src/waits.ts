import type { Clock } from './clock.ts'
import { type Deferred, defer } from './deferred.ts'

/** A wait under a name, which is there until it ends: by an answer, or with `late` after `limitMs`. */
export function awaitAs<Name, Answer>(
  waits: Map<Name, Deferred<Answer>>,
  name: Name,
  limit: { readonly clock: Clock; readonly limitMs: number; readonly late: Error },
): Deferred<Answer> {
  const wait = defer<Answer>()
  const stop = limit.clock.after(limit.limitMs, () => wait.reject(limit.late))
  const ended = () => {
    stop()
    if (waits.get(name) === wait) waits.delete(name)
  }
  waits.set(name, wait)
  wait.promise.then(ended, ended)
  return wait
}

/** Removes and returns the wait under a name, so that the next one starts over. */
export function take<Name, Answer>(
  waits: Map<Name, Deferred<Answer>>,
  name: Name,
): Deferred<Answer> | undefined {
  const wait = waits.get(name)
  waits.delete(name)
  return wait
}
