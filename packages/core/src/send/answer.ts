import type { NotificationId } from '@heliograph/protocol/identifiers'
import { isRejection, type Rejection, rejections } from '@heliograph/protocol/rejection'
import type { Notification } from '../notification.ts'

/** An answer to a provider, in Apple's format. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Absent if the answer has no body at all. */
  readonly body?: string
  /** The same as bytes, if many answers share them: a server that writes these holds no copy for each. */
  readonly bytes?: Uint8Array
  /** The refused recipients of a request to many devices, for the log. */
  readonly refused?: readonly Rejection[]
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
    body: JSON.stringify({ reason, timestamp }),
  }
}

/**
 * 200 with a result for each token, in order: the answer that a request for that token alone would
 * have got.
 */
export function manyAnswer(
  id: NotificationId,
  judged: readonly (Pick<Notification, 'id' | 'uniqueId'> | Rejection)[],
): Answer {
  const refused = judged.filter((one) => isRejection(one))
  return { ...jsonAnswer(id, { results: judged.map(resultOf) }), refused }
}

function resultOf(judged: Pick<Notification, 'id' | 'uniqueId'> | Rejection) {
  if (!isRejection(judged))
    return { status: 200, 'apns-id': judged.id, 'apns-unique-id': judged.uniqueId }
  const { reason, timestamp } = judged
  return { status: rejections[reason].status, reason, timestamp }
}

export function jsonAnswer(id: NotificationId, value: unknown): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'apns-id': id },
    body: JSON.stringify(value),
  }
}

/** Details may quote what a provider sent, but a header may contain only printable ASCII. */
function headerText(detail: string): string {
  return detail.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}
