import { availableParallelism } from 'node:os'
import type { BeforeService } from './endpoint.ts'
import type { OpenEnvironment } from './functions/execution-environment.ts'
import type { GatewayOptions } from './gateway/options.ts'
import type { AccessKey, Log } from './types.ts'

export interface CloudOptions {
  /** The folder that `cdk synth` wrote. */
  readonly assembly: string
  /** The folder that keeps everything over a restart; made with mode 0700. */
  readonly state: string
  readonly ports?: CloudPorts
  /** The operator's credential, which may do everything; absent: a new one that nobody can guess. */
  readonly operatorKey?: AccessKey
  readonly log?: Log
  /** Hears a line for each step of the start. */
  progress?(line: string): void
  readonly tuning?: Partial<CloudTuning>
  /** Slows, refuses or loses calls of AWS services, for fault tests; see `endpoint.ts`. */
  readonly beforeService?: BeforeService
  /** What functions run in, in place of worker threads. */
  readonly openEnvironment?: OpenEnvironment
  /**
   * Writes the gateway's own answers at the custom domains of APIs, as another front than an HTTP API
   * could; absent: `{"message":"…"}`, as AWS.
   */
  readonly shapeRefusal?: GatewayOptions['shapeRefusal']
}

/** Ports on loopback; 0 or absent = any free one. */
export interface CloudPorts {
  /** The first API whose domain requires client certificates. */
  readonly mutualTls?: number
  /** A second port for the same API, for clients that expect a part of it at a port of its own; absent: none. */
  readonly mutualTlsAlso?: number
  /** The first API without such a domain. */
  readonly api?: number
  /** The first domain that asks for no client certificate. */
  readonly domain?: number
  readonly mqtt?: number
  /** The endpoint of all AWS services. */
  readonly endpoint?: number
}

export interface CloudTuning {
  /** Milliseconds between two looks for expired items. */
  readonly ttlIntervalMs: number
  /** Milliseconds before the first and second retry of an asynchronous event. */
  readonly asyncRetryDelaysMs: readonly number[]
  /** Execution environments per function at most. */
  readonly maxEnvironments: number
  /** Of these, how many start at once when invocations wait. Default: half of the processors. */
  readonly readyEnvironments: number
  /** Milliseconds for loading a function's module. */
  readonly initTimeoutMs: number
  /** Milliseconds that `close` waits for queues, for batches and for asynchronous events, each. */
  readonly drainMs: number
  /** Milliseconds that a detached certificate, thing or policy cannot be deleted yet; seconds to minutes on AWS. */
  readonly detachLagMs: number
  /** How long a second is, in milliseconds, of those that a direct message waits for its acknowledgement. */
  readonly confirmationSecondMs: number
  /** How long a second is, in milliseconds, of those between two attempts of a topic at an HTTP endpoint. */
  readonly topicRetrySecondMs: number
  /** How long a minute is, in milliseconds, of those between two runs of a schedule; 0: schedules do not run. */
  readonly scheduleMinuteMs: number
  /** MQTT messages a second and connection, each way. */
  readonly mqttMessagesPerSecond: number
}

/**
 * On AWS the retries come after one and two minutes; nobody waits for that on a laptop, and a device on the same
 * machine acknowledges at once or not at all. What a schedule starts is work that a test has not asked for.
 */
export const defaultTuning: CloudTuning = {
  ttlIntervalMs: 1000,
  asyncRetryDelaysMs: [1000, 2000],
  maxEnvironments: 4,
  readyEnvironments: Math.ceil(availableParallelism() / 2),
  initTimeoutMs: 30_000,
  drainMs: 3000,
  detachLagMs: 0,
  confirmationSecondMs: 200,
  topicRetrySecondMs: 100,
  scheduleMinuteMs: 0,
  mqttMessagesPerSecond: 100,
}
