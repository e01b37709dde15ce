import type { Upstream } from '@heliograph/protocol/mqtt-topic'
import type { EventLevel, ReceiptLevel } from '@heliograph/protocol/outcome'
import type { PendingRules } from '@heliograph/protocol/pending-rule'
import { CALLS_PER_SECOND } from '../lambdas/empty/settings.ts'

/** The Route 53 zone that gets the provider domain's address records. */
export interface HostedZoneProps {
  readonly id: string
  readonly name: string
}

/** Requests per second that an API takes before it answers 429, and the burst above that. */
export interface ThrottleProps {
  readonly ratePerSecond: number
  readonly burst: number
}

/**
 * Everything in which one deployment differs from another. The constructs read neither the context
 * nor the environment.
 */
export interface StageProps {
  /** `/^[a-z][a-z0-9]{0,15}$/`; part of every physical name, so that stages share an account. */
  readonly name: string
  /** Host name that providers connect to. */
  readonly domain: string
  /** ACM certificate for `domain`, in the region of the stacks. */
  readonly certificateArn: string
  /**
   * Host name for providers that send provider tokens instead of a certificate; it asks for no certificate.
   * Absent: only certificates.
   */
  readonly tokenDomain?: string
  /** ACM certificate for `tokenDomain`, in the region of the stacks; may be the same as for `domain`. */
  readonly tokenCertificateArn?: string
  /**
   * Whether a deployment asks ACM about these certificates; the emulators have no ACM. Default `true`.
   */
  readonly checkCertificate: boolean
  /**
   * S3 version id of the truststore that the provider domain reads, for one that was restored
   * (docs/deploy.md, "Backup and restore"). Absent: the newest when this setting was last changed.
   */
  readonly truststoreVersion?: string
  /** Absent: the operator makes the DNS records (outputs `ProviderDomainTarget` and `TokenDomainTarget`). */
  readonly hostedZone?: HostedZoneProps
  /** Account and region of the stacks. */
  readonly env: { readonly account?: string; readonly region?: string }
  /**
   * What happens to tables, keys, queues and the truststore when the stacks are deleted. Default
   * `retain`.
   */
  readonly removal: 'retain' | 'destroy'
  /** Default: with `removal: 'retain'`. */
  readonly terminationProtection: boolean
  /** Default 30. */
  readonly logRetentionDays: LogRetentionDays
  /**
   * What Lambda itself writes about invocations: `failures`, or `all`, with the REPORT line of each (times and
   * memory), which adds a sixth to the price of a notification. Default `failures`.
   */
  readonly systemLogs: 'failures' | 'all'
  /** X-Ray traces of every function. Default `false`. */
  readonly tracing: boolean
  /**
   * Limit of the activation API. A request that passes is cheap: requests without a code pass, too.
   * Default 200 a second, with a burst of 400.
   */
  readonly activationThrottle: ThrottleProps
  /**
   * All requests to `tokenDomain` together, whoever sends them: requests without a valid token
   * count against this limit, and not against `providerThrottle`. Default 2500 a second, with a
   * burst of 1250.
   */
  readonly tokenThrottle: ThrottleProps
  /**
   * All providers with certificates together, at the edge; a part of the account's quota for all
   * its APIs in the region. Default 5000 a second, with a burst of 2500.
   */
  readonly providerThrottle: ThrottleProps
  /**
   * Requests to many devices (`POST /3/devices`), each of which may be a thousand notifications, at
   * each of the two domains, whoever sends them. Default 5 a second, with a burst of 50.
   */
  readonly multicastThrottle: ThrottleProps
  /**
   * Broadcasts to channels, at each of the two domains, whoever sends them: IoT Core retains 50 to 500
   * messages a second for the whole account. Default 50 a second, with a burst of 100.
   */
  readonly broadcastThrottle: ThrottleProps
  /** Calls a second of each operation of IoT Core's registry while a stage is emptied. Default 5. */
  readonly registryCallsPerSecond: number
  /** Certificates that activation issues in a second; codes that come faster are told to wait. Default 8. */
  readonly activationsPerSecond: number
  /** Executions of accept that are set aside for it and that it may not exceed; absent: no limit. */
  readonly acceptConcurrency?: number
  /** Batches of notifications that are delivered at the same time, 2 to 1,000. Default 100. */
  readonly deliverConcurrency: number
  /** Batches of slots that are tried at the same time, 2 to 1,000: what silent devices can keep busy. Default 20. */
  readonly slotConcurrency: number
  /**
   * Seconds, 1 to 5, that a notification waits for the device's PUBACK before it goes into its
   * slot. A time shorter than the round trip to a device costs a write and a second message for
   * each notification. Default 1.
   */
  readonly deliverPatienceSeconds: number
  /**
   * Executions that are set aside for each function that devices talk to, which it may not exceed:
   * however many devices talk at once, accept and deliver keep the rest. `{}` sets nothing aside, as an
   * account must whose own limit is not at least 100 above the sum (AWS Lambda: "Reserved
   * concurrency"); a new account may have a limit of 10. Default: register 10, connect 20,
   * unregister 10, renew 5.
   */
  readonly upstreamConcurrency: Readonly<Partial<Record<Upstream, number>>>
  /** Seconds that a notification without `apns-expiration` is kept, at most 30 days. Default 30 days. */
  readonly defaultLifetimeSeconds: number
  /**
   * What waits for a device that is offline, by topic: `'newest'`, or `{ perCollapseId: n }`, the
   * newest notification of each `apns-collapse-id` and those without one each by itself, at most `n`
   * (1 to 100). Every one of them is a row that is written, read and sent (docs/cost.md). Default
   * `'newest'` for all.
   */
  readonly pending: PendingRules
  /**
   * Which notifications get a receipt: `off`, `exceptions` (all but those delivered at once) or
   * `all`; by topic, and for all other topics. Default `off` for all.
   */
  readonly receipts: {
    readonly default: ReceiptLevel
    readonly topics: Readonly<Record<string, ReceiptLevel>>
  }
  /**
   * Which events the stage's SNS topic publishes: `off`, `tokens` (device tokens that have died),
   * `exceptions` (also what happened to every notification that was not delivered at once) or
   * `all`; by topic, and for all other topics. Default `off` for all.
   */
  readonly events: {
    readonly default: EventLevel
    readonly topics: Readonly<Record<string, EventLevel>>
  }
  /** Days that receipts are kept, 1 to 30. Default 7. */
  readonly receiptDays: number
  /**
   * Seconds, 1 to 300, that outcomes wait for others before they are kept together: a row that holds many costs
   * as much as a row that holds one. Default 5.
   */
  readonly receiptDelaySeconds: number
  /**
   * Topics with separate metrics, at most 20; all others are counted together as `other`. Each adds
   * up to 26 CloudWatch metrics, which cost money every month (docs/cost.md). Whatever providers
   * send, there are never more than are named here. Default none: nothing is counted by topic, at
   * no cost.
   */
  readonly countedTopics: readonly string[]
  /**
   * A device of the service's own that is sent to every minute, with two alarms. It needs `heliograph canary enroll`
   * once, and costs about $2.50 a month (docs/cost.md). Default `false`.
   */
  readonly canary: boolean
  /** Seconds, 1 to 20, after which what the canary hears is late. Default 5. */
  readonly canaryLateSeconds: number
  /** Seconds for which a provider certificate or key is believed without a look, at most 30. Default 30. */
  readonly trustCacheSeconds: number
  /** Seconds for which a registration is believed without a look. Default 5. */
  readonly registrationCacheSeconds: number
  /** Notifications per second and provider certificate or key that each execution environment of accept takes, 0 = no limit. Default 1000. */
  readonly providerRatePerSecond: number
  /**
   * Requests about channels, broadcasts included, per second and provider certificate or key that each
   * execution environment takes, 0 = no limit. Default 10.
   */
  readonly channelRatePerSecond: number
  /** Notifications per second and token that each execution environment of accept takes, 0 = no limit. Default 10. */
  readonly tokenRatePerSecond: number
  /**
   * UNIX seconds until which notifications without a seal are accepted: set it to a month after an
   * upgrade from a version without seals, and leave it out otherwise, because until then anyone can
   * omit the seal.
   */
  readonly unsealedUntil?: number
  /** Days that a device certificate is valid. Default 825. */
  readonly deviceCertificateDays: number
  /** Days between two token keys. Default 90. */
  readonly tokenKeyRotationDays: number
  /** Days that a token key which is no longer primary still opens tokens. Default 180. */
  readonly tokenKeyGraceDays: number
  /**
   * Whether an operator may import token keys from another deployment (`heliograph import`). Set it
   * only during the move: anyone who has kms:Encrypt and may write to the table can add a key that
   * they know. Default `false`.
   */
  readonly takesTokenKeys: boolean
  /** Who is notified of alarms; absent: the alarms appear only in CloudWatch. */
  readonly alarmEmail?: string
}

/** Days that CloudWatch Logs can keep a log group (a selection of those it offers). */
export type LogRetentionDays = 1 | 7 | 14 | 30 | 90 | 180 | 365

/** The defaults of a stage. */
export const stageDefaults = {
  checkCertificate: true,
  takesTokenKeys: false,
  removal: 'retain',
  logRetentionDays: 30,
  systemLogs: 'failures',
  tracing: false,
  // Anyone can ask, and refused requests must not lock out valid codes; SECURITY.md says what this
  // costs.
  activationThrottle: { ratePerSecond: 200, burst: 400 },
  // IoT Core registers ten certificates a second; renewals need some of that.
  activationsPerSecond: 8,
  registryCallsPerSecond: CALLS_PER_SECOND,
  // Half of what an account has by default, so that no provider takes the region from other stages.
  providerThrottle: { ratePerSecond: 5000, burst: 2500 },
  // Anyone can ask, so it is a quarter: together the two leave other stages as much again.
  tokenThrottle: { ratePerSecond: 2500, burst: 1250 },
  // As many notifications a second as by single requests: with a burst of 50,000, a million take three minutes.
  multicastThrottle: { ratePerSecond: 5, burst: 50 },
  // What IoT Core retains in its smallest regions, for all stages of the account.
  broadcastThrottle: { ratePerSecond: 50, burst: 100 },
  // A broadcast reaches a whole audience, and costs a message for each of them.
  channelRatePerSecond: 10,
  // About what an environment can do at most, in requests to many devices (docs/provider-api.md).
  providerRatePerSecond: 1000,
  deliverConcurrency: 100,
  slotConcurrency: 20,
  // a phone that its radio must wake first answers within a second
  deliverPatienceSeconds: 1,
  // a connect takes some 30 ms, so that 20 serve 600 devices a second that come back at once
  upstreamConcurrency: { register: 10, connect: 20, unregister: 10, renew: 5 },
  defaultLifetimeSeconds: 30 * 24 * 60 * 60,
  pending: {},
  receipts: { default: 'off', topics: {} },
  events: { default: 'off', topics: {} },
  receiptDays: 7,
  receiptDelaySeconds: 5,
  countedTopics: [],
  canary: false,
  canaryLateSeconds: 5,
  trustCacheSeconds: 30,
  registrationCacheSeconds: 5,
  // No person reads ten a second for long, and the burst is a hundred; IoT Core gives a connection 100 a second.
  tokenRatePerSecond: 10,
  deviceCertificateDays: 825,
  tokenKeyRotationDays: 90,
  tokenKeyGraceDays: 180,
} as const satisfies Partial<StageProps>
