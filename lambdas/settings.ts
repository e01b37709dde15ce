/**
 * The environment variables of all functions: each name stands here once, is set by a grant in
 * `lib/` and read by the function. A function's own `settings.ts` lists the ones it needs.
 */
export const variable = {
  stage: 'HELIOGRAPH_STAGE',
  /** SQS queue between accept and deliver (URL). */
  notificationQueue: 'NOTIFICATION_QUEUE_URL',
  pendingTable: 'PENDING_TABLE',
  registrationsTable: 'REGISTRATIONS_TABLE',
  feedbackTable: 'FEEDBACK_TABLE',
  providersTable: 'PROVIDERS_TABLE',
  authoritiesTable: 'AUTHORITIES_TABLE',
  tokenKeysTable: 'TOKEN_KEYS_TABLE',
  activationsTable: 'ACTIVATIONS_TABLE',
  devicesTable: 'DEVICES_TABLE',
  claimsTable: 'CLAIMS_TABLE',
  /** KMS key (ARN) that wraps the token keys. */
  tokenWrapKey: 'TOKEN_WRAP_KEY_ARN',
  /** KMS key (ARN) of the provider CA, RSA-2048. */
  providerAuthorityKey: 'PROVIDER_AUTHORITY_KEY_ARN',
  /** KMS key (ARN) of the device CA, ECC P-256. */
  deviceAuthorityKey: 'DEVICE_AUTHORITY_KEY_ARN',
  trustBucket: 'TRUST_BUCKET',
  /** Host name of IoT Core's data endpoint, perhaps with `:port`. */
  iotEndpoint: 'IOT_ENDPOINT',
  /** Name of the one IoT policy every device certificate gets. */
  devicePolicy: 'DEVICE_POLICY_NAME',
  /** Seconds that a notification without `apns-expiration` is kept, at most 30 days. */
  defaultLifetime: 'DEFAULT_LIFETIME_SECONDS',
  /** Seconds for which accept may believe what it read of a provider certificate, at most 30. */
  trustCacheSeconds: 'TRUST_CACHE_SECONDS',
  /** Seconds for which accept may believe that a token is registered. */
  registrationCacheSeconds: 'REGISTRATION_CACHE_SECONDS',
  /** Notifications per second and token that accept takes, 0 = no limit. */
  tokenRateLimit: 'TOKEN_RATE_PER_SECOND',
  /** Days that a device certificate is valid. */
  deviceCertificateDays: 'DEVICE_CERTIFICATE_DAYS',
  /** Days that a token key that is no longer primary still opens tokens. */
  tokenKeyGraceDays: 'TOKEN_KEY_GRACE_DAYS',
} as const

export type Variable = (typeof variable)[keyof typeof variable]

/** The values of `names`, or an error that says which variable the deployment lacks. */
export function readSettings<const Names extends readonly Variable[]>(
  names: Names,
  environment: Readonly<Record<string, string | undefined>>,
): Record<Names[number], string> {
  const missing = names.filter((name) => !environment[name])
  if (missing.length > 0)
    throw new Error(`this function lacks ${missing.join(', ')}: deploy the stacks again`)
  return Object.fromEntries(names.map((name) => [name, environment[name]])) as Record<
    Names[number],
    string
  >
}
