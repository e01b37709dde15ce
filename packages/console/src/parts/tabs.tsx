import type { ComponentChildren } from 'preact'
import { useId, useRef } from 'preact/hooks'

/** Parts of a view that have addresses of their own. */
export function LinkTabs(props: {
  readonly label: string
  readonly tabs: readonly {
    readonly text: string
    readonly to: string
    readonly current: boolean
  }[]
}) {
  return (
    <nav class="tabs" aria-label={props.label}>
      {props.tabs.map(({ text, to, current }) => (
        <a href={to} key={to} aria-current={current ? 'page' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  )
}

/** Several forms of one thing, one of which is visible (ARIA: "Tabs", chosen by the arrow keys). */
export function Tabs(props: {
  readonly label: string
  readonly tabs: readonly (readonly [id: string, text: string])[]
  readonly value: string
  readonly onChange: (id: string) => void
  readonly children: ComponentChildren
}) {
  const { label, tabs, value, onChange, children } = props
  const name = useId()
  const list = useRef<HTMLDivElement>(null)
  const move = (step: number) => {
    const place = tabs.findIndex(([id]) => id === value)
    const next = tabs[(place + step + tabs.length) % tabs.length]
    if (!next) return
    onChange(next[0])
    list.current?.querySelector<HTMLElement>(`[id="${name}-${next[0]}"]`)?.focus()
  }
  const keys = ({ key }: KeyboardEvent) => {
    if (key === 'ArrowRight') move(1)
    if (key === 'ArrowLeft') move(-1)
  }
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={keys}>
        {tabs.map(([id, text]) => (
          <button
            type="button"
            role="tab"
            key={id}
            id={`${name}-${id}`}
            aria-selected={id === value}
            aria-controls={`${name}-panel`}
            tabIndex={id === value ? 0 : -1}
            onClick={() => onChange(id)}
          >
            {text}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${name}-panel`} aria-labelledby={`${name}-${value}`}>
        {children}
      </div>
    </>
  )
}
