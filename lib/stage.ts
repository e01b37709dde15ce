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
 * Everything in which one deployment differs from another. Written out in `bin/stages.ts`; the
 * constructs read neither the context nor the environment.
 */
export interface StageProps {
  /** `/^[a-z][a-z0-9]{0,15}$/`; part of every physical name, so that stages share an account. */
  readonly name: string
  /** Host name that providers connect to. */
  readonly domain: string
  /** ACM certificate for `domain`, in the region of the stacks. */
  readonly certificateArn: string
  /** Whether a deployment asks ACM about that certificate; the emulators' is none. */
  readonly checkCertificate: boolean
  /** Absent: the operator makes the DNS record (output `ProviderDomainTarget`). */
  readonly hostedZone?: HostedZoneProps
  readonly env: { readonly account?: string; readonly region?: string }
  /** What becomes of tables, keys, queues and the truststore when the stacks are deleted. */
  readonly removal: 'retain' | 'destroy'
  readonly terminationProtection: boolean
  readonly logRetentionDays: LogRetentionDays
  /** X-Ray traces of every function. */
  readonly tracing: boolean
  readonly activationThrottle: ThrottleProps
  /** Executions of accept that are set aside for it and that it may not exceed. */
  readonly acceptConcurrency?: number
  /** Batches of notifications that are delivered at the same time, 2 to 1,000. */
  readonly deliverConcurrency: number
  /** Seconds that a notification without `apns-expiration` is kept, at most 30 days. */
  readonly defaultLifetimeSeconds: number
  /** Seconds for which a provider certificate is believed without a look, at most 30. */
  readonly trustCacheSeconds: number
  /** Seconds for which a registration is believed without a look. */
  readonly registrationCacheSeconds: number
  /** Notifications per second and token, 0 = no limit. */
  readonly tokenRatePerSecond: number
  readonly deviceCertificateDays: number
  /** Days between two token keys. */
  readonly tokenKeyRotationDays: number
  /** Days that a token key which is no longer primary still opens tokens. */
  readonly tokenKeyGraceDays: number
  /** Who hears of alarms; absent: the alarms only show in CloudWatch. */
  readonly alarmEmail?: string
}

/** Days that CloudWatch Logs can keep a log group (a selection of those it offers). */
export type LogRetentionDays = 1 | 7 | 14 | 30 | 90 | 180 | 365
