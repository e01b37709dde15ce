import type { Explanation } from 'heliograph/console/api'

type Retry = NonNullable<Explanation['retry']>

/** When to send again, as a sentence. */
export const retryTexts = {
  never: 'Do not send it again.',
  fixed: 'Send it again once this is corrected.',
  later: 'Send it again later, with the same apns-id, and wait longer after each attempt.',
  'new-connection': 'Send it again on a new connection.',
} as const satisfies Record<Retry, string>

export const blameTexts = {
  provider: 'the request',
  device: 'the device',
  service: 'the service',
} as const satisfies Record<NonNullable<Explanation['blame']>, string>
