import type { NotificationId } from './identifiers.ts'
import { type Rejection, rejections } from './rejection.ts'

/** What a provider is answered with, in Apple's shape. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Absent where the answer has no body at all. */
  readonly body?: string
}

/** 200 without a body: some clients break on an empty DATA frame. */
export function acceptedAnswer(id: NotificationId, uniqueId: string): Answer {
  return { status: 200, headers: { 'apns-id': id, 'apns-unique-id': uniqueId } }
}

export function rejectionAnswer(id: NotificationId, rejection: Rejection): Answer {
  const { reason, detail, timestamp } = rejection
  return {
    status: rejections[reason].status,
    headers: {
      'content-type': 'application/json',
      'apns-id': id,
      'heliograph-detail': headerText(detail),
    },
    body: JSON.stringify(timestamp === undefined ? { reason } : { reason, timestamp }),
  }
}

export function jsonAnswer(id: NotificationId, value: unknown): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'apns-id': id },
    body: JSON.stringify(value),
  }
}

/** Details may quote what a provider sent; a header takes printable ASCII only. */
function headerText(detail: string): string {
  return detail.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}
