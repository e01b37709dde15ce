import { useEffect, useState } from 'preact/hooks'

/** Where the reader is: a path, and the query in which a view keeps what was chosen. */
export interface Place {
  readonly path: string
  readonly query: URLSearchParams
}

const CHANGED = 'heliograph:place'

function placeNow(): Place {
  const { pathname, search } = window.location
  return { path: pathname, query: new URLSearchParams(search) }
}

/** The place, again after each change. */
export function usePlace(): Place {
  const [place, setPlace] = useState(placeNow)
  useEffect(() => {
    const read = () => setPlace(placeNow())
    window.addEventListener('popstate', read)
    window.addEventListener(CHANGED, read)
    return () => {
      window.removeEventListener('popstate', read)
      window.removeEventListener(CHANGED, read)
    }
  }, [])
  return place
}

/** Goes to an address of the page; `replace` leaves no step for the browser's back button. */
export function go(to: string, { replace = false } = {}): void {
  const { pathname, search } = window.location
  if (to === pathname + search) return
  if (replace) window.history.replaceState(null, '', to)
  else window.history.pushState(null, '', to)
  window.dispatchEvent(new Event(CHANGED))
}

/** Lets links within the page change the place without loading it anew. */
export function followLinks(event: MouseEvent): void {
  const { target, button } = event
  const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
  if (event.defaultPrevented || button !== 0 || elsewhere || !(target instanceof Element)) return
  const link = target.closest('a')
  const to = link?.getAttribute('href')
  if (!to?.startsWith('/') || link?.target || link?.hasAttribute('download')) return
  event.preventDefault()
  go(to)
  // another page begins at its top; its heading takes the focus (parts/page.tsx)
  if (!to.startsWith(`${window.location.pathname}?`)) window.scrollTo(0, 0)
}
