import { useEffect, useState } from 'preact/hooks'

/** Anything quicker than this needs no sign that it is under way. */
const SLOW_MS = 200
/** After this a person wants to hear that it is still going on. */
const LONG_MS = 6_000

/** True once something has been under way for a while. */
export function useSlow(busy: boolean, afterMs = SLOW_MS): boolean {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    if (!busy) return setSlow(false)
    const timer = setTimeout(() => setSlow(true), afterMs)
    return () => clearTimeout(timer)
  }, [busy, afterMs])
  return busy && slow
}

/** Stands where something will be. */
export function Waiting({ what }: { readonly what: string }) {
  const slow = useSlow(true)
  const long = useSlow(true, LONG_MS)
  return (
    <div class="waiting" role="status">
      {slow && (
        <>
          <span class="spinner" aria-hidden="true" />
          <span>
            Reading {what}…{long && ' It takes longer than usual; the deployment may be slow.'}
          </span>
        </>
      )}
    </div>
  )
}
