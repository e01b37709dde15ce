import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './icon.tsx'
import { type Tone, toneIcons } from './notice.tsx'

/** A word for a state; its icon and color say the same. */
export function State(props: {
  readonly tone: Tone
  readonly icon?: IconName
  readonly children: ComponentChildren
}) {
  return (
    <span class="state" data-tone={props.tone}>
      <Icon name={props.icon ?? (props.tone === 'plain' ? 'minus' : toneIcons[props.tone])} />
      {props.children}
    </span>
  )
}

export function Tags({ of }: { readonly of: readonly string[] }) {
  return (
    <span class="tags">
      {of.map((one) => (
        <span class="tag" key={one}>
          {one}
        </span>
      ))}
    </span>
  )
}
