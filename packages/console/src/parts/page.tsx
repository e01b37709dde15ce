import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** A view: its heading takes the focus when the reader comes from another one, and the window its name. */
export function Page(props: {
  readonly title: string
  readonly lead?: ComponentChildren
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}) {
  const { title, lead, actions, children } = props
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Heliograph`
  }, [title])
  useEffect(() => {
    // at the first view the browser begins at the top, with the link to the content
    if (arrived) heading.current?.focus()
    arrived = true
  }, [])
  return (
    <div class="page">
      <header class="page-head">
        <div>
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          {lead && <p>{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  )
}

let arrived = false

/** A part of a view. */
export function Card(props: {
  readonly title?: ComponentChildren
  readonly actions?: ComponentChildren
  /** The content brings its own margins, as a table does. */
  readonly flush?: boolean
  readonly children: ComponentChildren
}) {
  const { title, actions, flush, children } = props
  return (
    <section class="card">
      {(title || actions) && (
        <div class="card-head">
          {title && <h2>{title}</h2>}
          {actions && <div class="actions">{actions}</div>}
        </div>
      )}
      {flush ? children : <div class="card-body">{children}</div>}
    </section>
  )
}
