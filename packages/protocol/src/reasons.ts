/** Why a request that a device published came to nothing; `heliograph/error` carries it. */
export const deviceErrorReasons = [
  'BadRequest',
  'BadTopic',
  'UnknownTopic',
  'BadCertificateRequest',
  'TooManyRenewals',
  'TooManyRegistrations',
] as const

export type DeviceErrorReason = (typeof deviceErrorReasons)[number]

/** Why a token that a device presented is not good; `heliograph/connected` carries it. */
export const connectReasons = ['BadDeviceToken', 'NotYourToken', 'Unregistered'] as const

/** Why an activation is refused, with the status that it is answered with. */
export const activationStatuses = {
  BadRequest: 400,
  BadCertificateRequest: 400,
  BadActivationCode: 403,
  UsedActivationCode: 403,
  ExpiredActivationCode: 403,
  TooManyActivations: 429,
  ServiceUnavailable: 503,
} as const

/** `ServiceUnavailable` is a fault of the service; the others are refusals. */
export type ActivationReason = keyof typeof activationStatuses

/** Why a token is dead: its device gave it up, or the operator ended it; the reasons of a 410. */
export const deadTokenReasons = ['Unregistered', 'ExpiredToken'] as const

export type DeadTokenReason = (typeof deadTokenReasons)[number]

/** What a provider is told of afterward: a token that died, and notifications that came to nothing. */
export const feedbackReasons = ['Unregistered', 'Expired', 'Undeliverable'] as const
