import type { Log } from '../types.ts'
import type { EventFilter } from './event-filter.ts'
import type { FunctionHost } from './function-host.ts'

/** AWS::Lambda::EventSourceMapping, its properties read. */
export interface MappingSettings {
  /** Stable over restarts. */
  readonly name: string
  readonly functionArn: string
  readonly sourceArn: string
  readonly batchSize: number
  readonly batchWindowSeconds: number
  readonly reportsItemFailures: boolean
  /** An event passes if one of the filters lets it; without filters all pass. */
  readonly filters: readonly EventFilter[]
  /** ScalingConfig.MaximumConcurrency, for queues. */
  readonly maximumConcurrency?: number
  /** For streams; absent or -1 = until it works. */
  readonly maximumRetries?: number
  readonly maximumRecordAgeSeconds?: number
  readonly bisects?: boolean
  readonly startingPosition?: 'TRIM_HORIZON' | 'LATEST'
  /** ARN of the queue that is told about stream records that were given up. */
  readonly onFailure?: string
}

/** A mapping that is at work. */
export interface RunningMapping {
  /** Takes no more events and waits for the invocations in progress. */
  stop(): Promise<void>
}

/** What mappings need of the cloud. */
export interface MappingHost {
  readonly functions: Pick<
    FunctionHost,
    'invoke' | 'addSource' | 'concurrencyOf' | 'readyConcurrencyOf'
  >
  readonly log: Log
}

/** Which items of a batch failed: their identifiers, or the whole batch. */
export type BatchResult = 'all failed' | ReadonlySet<string>

/**
 * Reads a handler's answer to a batch. Without ReportBatchItemFailures any answer is success; with it
 * an answer of the wrong form, or an identifier that was not in the batch, fails the whole batch.
 * Source: AWS Lambda developer guide, "Reporting batch item failures".
 */
export function readBatchResult(
  answer: unknown,
  settings: MappingSettings,
  identifiers: readonly string[],
): BatchResult {
  if (!settings.reportsItemFailures || answer === null || answer === undefined) return new Set()
  const failures = (answer as { batchItemFailures?: unknown }).batchItemFailures ?? []
  if (!Array.isArray(failures)) return 'all failed'
  const failed = failures.map(
    (failure: { itemIdentifier?: unknown } | null) => failure?.itemIdentifier,
  )
  const known = new Set<unknown>(identifiers)
  if (!failed.every((identifier) => known.has(identifier))) return 'all failed'
  return new Set(failed.map(String))
}
