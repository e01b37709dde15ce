/**
 * Tokens in one connect message. A device has one token per topic, so an honest device never sends
 * more.
 */
export const MAX_TOKENS = 1_000

/** Live registrations of one device: each is a slot, and a row of every drain. */
export const MAX_REGISTRATIONS = 100

/** Bytes of a message that a device publishes. IoT Core takes no larger one (AWS IoT Core quotas). */
export const MAX_REQUEST_BYTES = 128 * 1024

/** Characters of a certificate request, PEM. IoT Core takes no larger ones, and no honest request comes near it. */
export const MAX_CSR_CHARACTERS = 16 * 1024

/** Characters of the CA certificates that a broker is checked against, PEM. Amazon's roots are about 5,000. */
export const MAX_BROKER_CA_CHARACTERS = 32 * 1024

/** Characters of a host name (RFC 1035, 2.3.4). */
export const MAX_HOST_CHARACTERS = 253

export const MAX_ACTIVATION_CODE_CHARACTERS = 200

/** Characters of the body of an activation: a certificate request and a code, and base64 takes a third more. */
export const MAX_ACTIVATION_CHARACTERS = 32 * 1024

/** Bytes of an apns-collapse-id (Apple: 64). */
export const MAX_COLLAPSE_ID_BYTES = 64

/** Notifications that may wait for one device and topic, where a topic keeps the newest of each apns-collapse-id. */
export const MAX_PER_COLLAPSE_ID = 100

/** Device tokens in one request to many devices. */
export const MAX_RECIPIENTS = 1_000

/** Bytes of the body of a request to many devices: API Gateway counts 512 kB as one request. */
export const MAX_MULTICAST_BYTES = 512 * 1024

/**
 * Recipients in one queue message. SQS would take thousands (1 MiB), but deliver gets ten messages
 * at a time and has `DELIVER_TIMEOUT_SECONDS` for them, and one call to SQS takes ten.
 */
export const RECIPIENTS_PER_MESSAGE = 100

/** Apple keeps a notification for at most 30 days. */
export const MAX_LIFETIME_SECONDS = 30 * 24 * 3600

/** A revoked provider credential is refused everywhere within this time; nothing read of it is believed for longer. */
export const MAX_TRUST_SECONDS = 30

/** Feedback is kept this long. */
export const FEEDBACK_DAYS = 30

/** How long a provider's apns-id counts as the same notification, seconds. */
export const CLAIM_SECONDS = 600

/** Receipts are kept at most this long. */
export const MAX_RECEIPT_DAYS = 30

/** Topics that a stage counts by themselves: each is up to 26 metrics, which are paid for by the month. */
export const MAX_COUNTED_TOPICS = 20

/** Notifications that are shown under one apns-id, which a provider may use for as many as it likes. */
export const MAX_NAMESAKES = 20

/** Channels of one topic (Apple: 10,000 per app and environment). */
export const MAX_CHANNELS = 10_000

/** Channels that one device joins: subscriptions of one connection (AWS IoT Core quotas). */
export const MAX_JOINED_CHANNELS = 50

/** Topic filters in one SUBSCRIBE (AWS IoT Core quotas). */
export const MAX_FILTERS = 8

/** Bytes of the payload of a broadcast (Apple: 5,120). */
export const MAX_BROADCAST_BYTES = 5_120

/** How long a channel stores its latest broadcast for those who join later, seconds (Apple: 8 hours). */
export const MAX_STORED_SECONDS = 8 * 3600
