import type { ComponentChildren } from 'preact'
import { duration } from '../words/times.ts'
import { Icon, type IconName } from './icon.tsx'
import type { Tone } from './notice.tsx'
import { Time } from './time.tsx'

export interface TimelineEvent {
  readonly title: string
  readonly at: number
  /** Milliseconds since the first. */
  readonly age: number
  readonly tone: Tone
  readonly icon: IconName
  readonly text: ComponentChildren
}

/** What happened, the first at the top. */
export function Timeline({ of }: { readonly of: readonly TimelineEvent[] }) {
  return (
    <ol class="timeline">
      {of.map(({ title, at, age, tone, icon, text }, place) => (
        <li key={`${place} ${at}`}>
          <span class="timeline-mark" data-tone={tone}>
            <Icon name={icon} />
          </span>
          <div class="timeline-event">
            <div class="timeline-head">
              <h3>{title}</h3>
              <Time at={at} precise />
              {place > 0 && <span class="soft small number">+{duration(age)}</span>}
            </div>
            <p class="soft">{text}</p>
          </div>
        </li>
      ))}
    </ol>
  )
}
