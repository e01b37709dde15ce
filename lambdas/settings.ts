/**
 * The environment variables of all functions: each name is written here once, is set by a grant in
 * `lib/` and read by the function. A function's own `settings.ts` lists the ones it needs.
 */
export const variable = {
  stage: 'HELIOGRAPH_STAGE',
  /** SQS queue between accept and deliver (URL). */
  notificationQueue: 'NOTIFICATION_QUEUE_URL',
  /** SQS queue of the notifications that deliver gave up (URL). */
  deadLetterQueue: 'DEAD_LETTER_QUEUE_URL',
  /** SQS queue of the slots that deliver is to try (URL). */
  slotQueue: 'SLOT_QUEUE_URL',
  pendingTable: 'PENDING_TABLE',
  registrationsTable: 'REGISTRATIONS_TABLE',
  feedbackTable: 'FEEDBACK_TABLE',
  providersTable: 'PROVIDERS_TABLE',
  providerKeysTable: 'PROVIDER_KEYS_TABLE',
  authoritiesTable: 'AUTHORITIES_TABLE',
  tokenKeysTable: 'TOKEN_KEYS_TABLE',
  activationsTable: 'ACTIVATIONS_TABLE',
  devicesTable: 'DEVICES_TABLE',
  claimsTable: 'CLAIMS_TABLE',
  receiptsTable: 'RECEIPTS_TABLE',
  channelsTable: 'CHANNELS_TABLE',
  /** SQS queue of the outcomes from which receipts are made (URL). */
  outcomeQueue: 'OUTCOME_QUEUE_URL',
  /** Which outcomes are kept as receipts, JSON: `ReceiptSettings`. */
  receipts: 'RECEIPTS',
  /** Topics with separate metrics, a JSON list; empty if none is counted. */
  countedTopics: 'COUNTED_TOPICS',
  /** SQS queue of the events for subscribers (URL). */
  announcementQueue: 'ANNOUNCEMENT_QUEUE_URL',
  /** Which events are published, JSON: `EventSettings`. */
  events: 'EVENTS',
  /** SNS topic of the events (ARN). */
  eventTopic: 'EVENT_TOPIC_ARN',
  /** The topics of which more than the newest notification waits for a device, JSON: `PendingRules`. */
  pending: 'PENDING',
  /** Days that receipts are kept. */
  receiptDays: 'RECEIPT_DAYS',
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
  /**
   * Seconds for which accept may rely on what it has read about a provider certificate or key, at
   * most 30.
   */
  trustCacheSeconds: 'TRUST_CACHE_SECONDS',
  /** Seconds for which accept may believe that a token is registered. */
  registrationCacheSeconds: 'REGISTRATION_CACHE_SECONDS',
  /** Notifications per second and provider certificate or key that accept takes, 0 = no limit. */
  providerRateLimit: 'PROVIDER_RATE_PER_SECOND',
  /** Notifications per second and token that accept takes, 0 = no limit. */
  tokenRateLimit: 'TOKEN_RATE_PER_SECOND',
  /** UNIX seconds until which notifications without a seal are believed; 0 = never. */
  unsealedUntil: 'UNSEALED_UNTIL',
  /** Calls a second of each operation of IoT Core's registry that emptying a stage may make. */
  registryCallsPerSecond: 'REGISTRY_CALLS_PER_SECOND',
  /** Certificates that activate may issue in a second; the other codes are told to wait. */
  activationsPerSecond: 'ACTIVATIONS_PER_SECOND',
  /** Seconds that a notification from accept waits for the device's PUBACK. */
  deliverPatience: 'DELIVER_PATIENCE_SECONDS',
  /** Who the canary is, sealed. */
  canaryTable: 'CANARY_TABLE',
  /** KMS key (ARN) that wraps what is in the canary's table. */
  canaryKey: 'CANARY_KEY_ARN',
  /** Where providers with certificates send to. */
  providerUrl: 'PROVIDER_URL',
  /** Where devices get their certificate. */
  activationUrl: 'ACTIVATION_URL',
  /** Days that a device certificate is valid. */
  deviceCertificateDays: 'DEVICE_CERTIFICATE_DAYS',
  /** Days that a token key that is no longer primary still opens tokens. */
  tokenKeyGraceDays: 'TOKEN_KEY_GRACE_DAYS',
} as const

/**
 * The stage of the provider API that its token domain is mapped to; the other domain has `$default`. Only
 * the mapping of a domain leads to a stage, so that no request can say which one it came by.
 */
export const TOKEN_STAGE = 'tokens'

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
