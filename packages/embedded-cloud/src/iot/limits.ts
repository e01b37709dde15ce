/**
 * What AWS IoT Core allows one connection and one message.
 * Source: https://docs.aws.amazon.com/general/latest/gr/iot-core.html
 */
export const limits = {
  payloadBytes: 128 * 1024,
  /** A whole PUBLISH packet; more than this unread is never a legal packet. */
  packetBytes: 146 * 1024,
  topicBytes: 256,
  topicSlashes: 7,
  clientIdBytes: 128,
  /** More than this waiting in a socket means that the device has stopped reading. */
  unwrittenBytes: 1024 * 1024,
  subscriptionsPerConnection: 50,
  filtersPerSubscribe: 8,
  /** Of an account in select regions: that of one connection here. */
  subscriptionsPerSecond: 200,
  /** One change of the retained message a second and topic. */
  retainedIntervalMs: 1_000,
  /** Of a message over HTTP: seven days. */
  messageExpirySeconds: 604_800,
  /** QoS 1 messages that a connection may owe an acknowledgement for. */
  unacknowledged: 100,
  /** In both directions together, direct messages included. */
  messagesPerSecond: 100,
  keepAliveSeconds: { least: 30, most: 1200 },
  policiesPerCertificate: 10,
  policyCharacters: 2048,
  /** How long an ended connection is still described by GetConnection. */
  endedConnectionMs: 30 * 60 * 1000,
  persistentSessionMs: 60 * 60 * 1000,
} as const

/** Why AWS IoT Core refuses a client id, or undefined. */
export function clientIdProblem(clientId: string): string | undefined {
  if (clientId === '') return 'The client id is empty.'
  if (Buffer.byteLength(clientId) > limits.clientIdBytes)
    return `The client id is longer than ${limits.clientIdBytes} bytes.`
  if (clientId.startsWith('$')) return 'The client id starts with "$".'
  return hasControlCharacter(clientId) ? 'The client id contains a control character.' : undefined
}

const basicIngest = /^\$aws\/rules\/([^/]+)(?:\/(.*))?$/s

/** The rule that a Basic Ingest topic names and the topic behind the prefix; undefined for other topics. */
export function basicIngestOf(topic: string): { rule: string; topic: string } | undefined {
  const [, rule, rest] = basicIngest.exec(topic) ?? []
  return rule === undefined ? undefined : { rule, topic: rest ?? '' }
}

/** Why AWS IoT Core refuses a topic to publish to, or undefined. The Basic Ingest prefix is not counted. */
export function topicProblem(topic: string): string | undefined {
  const ingest = basicIngestOf(topic)
  if (ingest === undefined && topic.startsWith('$'))
    return `The topic "${topic}" is reserved, and no reserved topic but $aws/rules/ takes messages here.`
  const counted = ingest?.topic ?? topic
  if (topic === '') return 'The topic is empty.'
  if (Buffer.byteLength(counted) > limits.topicBytes)
    return `The topic is longer than ${limits.topicBytes} bytes.`
  if (counted.split('/').length - 1 > limits.topicSlashes)
    return `The topic has more than ${limits.topicSlashes} slashes.`
  if (/[+#]/.test(topic)) return 'The topic contains a wildcard.'
  return hasControlCharacter(topic) ? 'The topic contains a control character.' : undefined
}

function hasControlCharacter(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: U+0000 is what [MQTT-1.5.3-2] forbids.
  return /[\u0000-\u001f\u007f]/.test(text)
}

/** Whether an MQTT topic filter matches a topic; a leading wildcard does not match `$` topics [MQTT-4.7.2-1]. */
export function filterMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false
  }
  return wanted.length === levels.length
}

/** Counts messages against a rate, with one second's worth to spend at once. */
export class Allowance {
  readonly #perSecond: number
  #left: number
  #refilledAt = 0

  /** Infinity means no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  /** Takes one message at a time in milliseconds; false when the rate is spent. */
  take(now: number): boolean {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return true
    const earned = ((now - this.#refilledAt) / 1000) * this.#perSecond
    this.#left = Math.min(this.#perSecond, this.#left + Math.max(0, earned))
    this.#refilledAt = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
