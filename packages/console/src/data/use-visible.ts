import { useEffect, useState } from 'preact/hooks'

/** Whether the page is visible: what nobody sees need not be live. A browser has few connections to one host. */
export function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden)
  useEffect(() => {
    const read = () => setVisible(!document.hidden)
    document.addEventListener('visibilitychange', read)
    return () => document.removeEventListener('visibilitychange', read)
  }, [])
  return visible
}
