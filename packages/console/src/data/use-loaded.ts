import type { Endpoints } from 'heliograph/console/api'
import { useCallback, useEffect, useState } from 'preact/hooks'
import { type Answer, call, type Fault, type Input, toFault } from './call.ts'
import { reportFault } from './session.ts'

/** What is read from the server: while it is read anew, the last value stays. */
export interface Loaded<Value> {
  readonly value?: Value
  readonly fault?: Fault
  /** It is being read. */
  readonly busy: boolean
  readonly reload: () => void
}

type Name = keyof Endpoints

interface Held<Value> {
  readonly key: string
  readonly value?: Value
  readonly fault?: Fault
  readonly busy: boolean
}

/** Reads an endpoint, and again when the input changes or `reload` is called; undefined input reads nothing. */
export function useLoaded<N extends Name>(name: N, input: Input<N> | undefined): Loaded<Answer<N>> {
  const key = input === undefined ? '' : JSON.stringify(input)
  const [round, setRound] = useState(0)
  const [held, setHeld] = useState<Held<Answer<N>>>({ key, busy: key !== '' })
  const reload = useCallback(() => setRound((last) => last + 1), [])
  // another round reads the same once more
  useEffect(() => {
    if (key === '') return setHeld({ key, busy: false })
    const stop = new AbortController()
    setHeld((last) => (last.key === key ? { ...last, busy: true } : { key, busy: true }))
    call(name, JSON.parse(key) as Input<N>, stop.signal).then(
      (value) => setHeld({ key, value, busy: false }),
      (thrown) => {
        if (stop.signal.aborted) return
        const fault = toFault(thrown)
        reportFault(fault)
        setHeld((last) => ({ ...last, fault, busy: false }))
      },
    )
    return () => stop.abort()
  }, [name, key, round])
  // what was read for another input does not answer this one
  return held.key === key ? { ...held, reload } : { busy: key !== '', reload }
}
