import type { ComponentChildren } from 'preact'
import type { Fault } from '../data/call.ts'
import { Button } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'

export type Tone = 'good' | 'warn' | 'bad' | 'plain'

export const toneIcons = {
  good: 'check-circle',
  warn: 'alert',
  bad: 'cross-circle',
  plain: 'info',
} as const satisfies Record<Tone, IconName>

/** Something to be known; with `live` a screen reader says it when it appears. */
export function Notice(props: {
  readonly tone: Tone
  readonly live?: boolean
  readonly children: ComponentChildren
}) {
  const role = props.live ? (props.tone === 'bad' ? 'alert' : 'status') : undefined
  return (
    <div class="notice" data-tone={props.tone} role={role}>
      <Icon name={toneIcons[props.tone]} />
      <div>{props.children}</div>
    </div>
  )
}

/** What could not be done or read, and a way on. */
export function Failed(props: { readonly fault: Fault; readonly onRetry?: () => void }) {
  const { fault, onRetry } = props
  return (
    <Notice tone={fault.kind === 'notFound' ? 'plain' : 'bad'} live>
      <p>{sentence(fault.message)}</p>
      {fault.kind === 'timeout' && (
        <p class="soft">What had begun may still be done: look again before you repeat it.</p>
      )}
      {onRetry && (
        <Button size="small" icon="refresh" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Notice>
  )
}

/** The command words its faults as parts of a line; here each is a sentence. */
export function sentence(text: string): string {
  // a word, and not a name that keeps its own spelling
  const begun = /^[a-z]+[ ,:]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
  return /[.!?…)]$/.test(begun) ? begun : `${begun}.`
}
