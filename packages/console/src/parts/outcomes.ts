import type { OutcomeKind } from '@heliograph/protocol/outcome'
import type { IconName } from './icon.tsx'
import type { Tone } from './notice.tsx'

interface OutcomeWords {
  readonly title: string
  readonly tone: Tone
  readonly icon: IconName
  readonly text: string
}

/** What happened to a notification, as docs/provider-api.md says it. */
export const outcomeWords = {
  accepted: {
    title: 'Accepted',
    tone: 'plain',
    icon: 'check',
    text: 'The service answered 200 and had it in its queue.',
  },
  stored: {
    title: 'Stored',
    tone: 'warn',
    icon: 'clock',
    text: 'The device was not there, or silent. It waits in its slot until the device connects.',
  },
  delivered: {
    title: 'Delivered',
    tone: 'good',
    icon: 'check-circle',
    text: 'The device acknowledged it.',
  },
  drained: {
    title: 'Delivered from storage',
    tone: 'good',
    icon: 'check-circle',
    text: 'The device connected, got what had waited for it, and acknowledged it.',
  },
  coalesced: {
    title: 'Coalesced',
    tone: 'warn',
    icon: 'minus',
    text: 'A newer one for the same device and topic took its place.',
  },
  expired: {
    title: 'Expired',
    tone: 'warn',
    icon: 'clock',
    text: 'Its time had passed before the device could have it.',
  },
  unregistered: {
    title: 'Unregistered',
    tone: 'bad',
    icon: 'cross-circle',
    text: 'The device no longer has the topic. Its provider hears 410 and should forget the token.',
  },
  undeliverable: {
    title: 'Undeliverable',
    tone: 'bad',
    icon: 'cross-circle',
    text: 'The device is not permitted to receive it. This is for the operator to mend: see Doctor.',
  },
  duplicate: {
    title: 'Duplicate',
    tone: 'plain',
    icon: 'minus',
    text: 'The same apns-id came again within ten minutes; the first one counts.',
  },
  'dead-lettered': {
    title: 'Dead-lettered',
    tone: 'bad',
    icon: 'letter',
    text: 'Given up after eight attempts. It waits among the dead letters, from where it can be sent again.',
  },
} as const satisfies Record<OutcomeKind, OutcomeWords>

export function wordsOf(kind: string): OutcomeWords {
  return Object.hasOwn(outcomeWords, kind)
    ? outcomeWords[kind as OutcomeKind]
    : { title: kind, tone: 'plain', icon: 'info', text: '' }
}
