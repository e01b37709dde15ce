/** What a provider should do next, from Apple's table of reasons. */
export type Retry = 'never' | 'fixed' | 'later' | 'new-connection'

interface RejectionKind {
  readonly status: 400 | 403 | 404 | 405 | 410 | 413 | 429 | 500 | 503
  readonly blame: 'provider' | 'device' | 'service'
  readonly retry: Retry
}

/**
 * Every reason that a provider may be answered with: Apple's strings only, because clients fail on
 * others. Sources: Apple, "Handling notification responses from APNs", and for channels "Handling
 * error responses from Apple Push Notification service".
 */
export const rejections = {
  BadCollapseId: { status: 400, blame: 'provider', retry: 'fixed' },
  BadChannelId: { status: 400, blame: 'provider', retry: 'fixed' },
  BadDeviceToken: { status: 400, blame: 'provider', retry: 'never' },
  BadExpirationDate: { status: 400, blame: 'provider', retry: 'fixed' },
  BadMessageId: { status: 400, blame: 'provider', retry: 'fixed' },
  BadPriority: { status: 400, blame: 'provider', retry: 'fixed' },
  BadRequestParams: { status: 400, blame: 'provider', retry: 'fixed' },
  BadRequestPayload: { status: 400, blame: 'provider', retry: 'fixed' },
  BadTopic: { status: 400, blame: 'provider', retry: 'fixed' },
  CannotCreateChannelConfig: { status: 400, blame: 'provider', retry: 'fixed' },
  ChannelNotRegistered: { status: 400, blame: 'provider', retry: 'never' },
  DeviceTokenNotForTopic: { status: 400, blame: 'provider', retry: 'never' },
  DuplicateHeaders: { status: 400, blame: 'provider', retry: 'fixed' },
  IdleTimeout: { status: 400, blame: 'provider', retry: 'new-connection' },
  InvalidPushType: { status: 400, blame: 'provider', retry: 'fixed' },
  MissingChannelId: { status: 400, blame: 'provider', retry: 'fixed' },
  MissingDeviceToken: { status: 400, blame: 'provider', retry: 'fixed' },
  MissingPushType: { status: 400, blame: 'provider', retry: 'fixed' },
  MissingTopic: { status: 400, blame: 'provider', retry: 'fixed' },
  PayloadEmpty: { status: 400, blame: 'provider', retry: 'fixed' },
  TopicDisallowed: { status: 400, blame: 'provider', retry: 'fixed' },
  BadCertificate: { status: 403, blame: 'provider', retry: 'fixed' },
  ExpiredProviderToken: { status: 403, blame: 'provider', retry: 'fixed' },
  InvalidProviderToken: { status: 403, blame: 'provider', retry: 'fixed' },
  MissingProviderToken: { status: 403, blame: 'provider', retry: 'fixed' },
  TopicMismatch: { status: 403, blame: 'provider', retry: 'fixed' },
  BadPath: { status: 404, blame: 'provider', retry: 'fixed' },
  MethodNotAllowed: { status: 405, blame: 'provider', retry: 'fixed' },
  Unregistered: { status: 410, blame: 'device', retry: 'never' },
  ExpiredToken: { status: 410, blame: 'device', retry: 'never' },
  PayloadTooLarge: { status: 413, blame: 'provider', retry: 'never' },
  TooManyRequests: { status: 429, blame: 'provider', retry: 'later' },
  InternalServerError: { status: 500, blame: 'service', retry: 'later' },
  ServiceUnavailable: { status: 503, blame: 'service', retry: 'later' },
} as const satisfies Record<string, RejectionKind>

export type Reason = keyof typeof rejections

/**
 * A refusal is a value: the reason, a description of what was wrong, and for a 410 since when (ms).
 */
export interface Rejection {
  readonly reason: Reason
  /** Goes out as `heliograph-detail`; says what to change, never a secret. */
  readonly detail: string
  /** Milliseconds since the epoch, with 410 only (Apple: when the token was found to be dead). */
  readonly timestamp?: number
}

export function reject(reason: Reason, detail: string, timestamp?: number): Rejection {
  return timestamp === undefined ? { reason, detail } : { reason, detail, timestamp }
}

/** Those of a list that are no refusals. */
export function admitted<T extends object>(values: readonly (T | Rejection)[]): T[] {
  return values.filter((value): value is T => !isRejection(value))
}

export function isRejection(value: object): value is Rejection {
  return 'reason' in value && 'detail' in value
}
