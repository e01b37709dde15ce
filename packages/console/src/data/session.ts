import { useEffect, useState } from 'preact/hooks'
import type { Fault } from './call.ts'

/** Why the page can do nothing more: it has no session, or its server is gone. */
export type Ended = 'session' | 'idle' | 'stopped' | 'lost'

const ENDED = 'heliograph:ended'

/** Tells the whole page that its server refused or is gone; other faults are up to the view in which they occur. */
export function reportFault({ kind }: Fault): void {
  if (kind === 'session' || kind === 'lost') reportEnd(kind)
}

export function reportEnd(how: Ended): void {
  window.dispatchEvent(new CustomEvent(ENDED, { detail: how }))
}

export function useEnded(): Ended | undefined {
  const [ended, setEnded] = useState<Ended>()
  useEffect(() => {
    const hear = (event: Event) => setEnded((event as CustomEvent<Ended>).detail)
    window.addEventListener(ENDED, hear)
    return () => window.removeEventListener(ENDED, hear)
  }, [])
  return ended
}
