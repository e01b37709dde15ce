import { useEffect, useState } from 'preact/hooks'
import { IconButton } from './button.tsx'

const SAID = 'heliograph:said'
const STAYS_MS = 8_000

/** Says that something was done. What a person must read and keep belongs on the page instead. */
export function say(text: string): void {
  window.dispatchEvent(new CustomEvent(SAID, { detail: text }))
}

interface Said {
  readonly id: number
  readonly text: string
}

let last = 0

export function Toasts() {
  const [all, setAll] = useState<readonly Said[]>([])
  const forget = (id: number) => setAll((some) => some.filter((one) => one.id !== id))
  useEffect(() => {
    const hear = (event: Event) => {
      last += 1
      const said = { id: last, text: (event as CustomEvent<string>).detail }
      setAll((some) => [...some.slice(-2), said])
      setTimeout(() => forget(said.id), STAYS_MS)
    }
    window.addEventListener(SAID, hear)
    return () => window.removeEventListener(SAID, hear)
  }, [])
  return (
    <div class="toasts" role="status" aria-live="polite">
      {all.map(({ id, text }) => (
        <div class="toast" key={id}>
          <span>{text}</span>
          <IconButton icon="cross" label="Dismiss" onClick={() => forget(id)} />
        </div>
      ))}
    </div>
  )
}
