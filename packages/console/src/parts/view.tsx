import type { ComponentChildren } from 'preact'
import type { Loaded } from '../data/use-loaded.ts'
import { Icon, type IconName } from './icon.tsx'
import { Failed } from './notice.tsx'
import { Waiting } from './waiting.tsx'

/** What was read, that it is being read, or why it could not be. A value that could not be read again stays. */
export function View<Value>(props: {
  readonly of: Loaded<Value>
  /** "Reading … " */
  readonly what: string
  readonly children: (value: Value) => ComponentChildren
}) {
  const { value, fault, busy, reload } = props.of
  return (
    <>
      {fault && <Failed fault={fault} onRetry={reload} />}
      {value !== undefined && props.children(value)}
      {value === undefined && busy && <Waiting what={props.what} />}
    </>
  )
}

/** Nothing is there: why, and what a person can do. */
export function Empty(props: {
  readonly icon: IconName
  readonly title: string
  readonly children: ComponentChildren
}) {
  return (
    <div class="empty">
      <Icon name={props.icon} />
      <h3>{props.title}</h3>
      <p>{props.children}</p>
    </div>
  )
}
