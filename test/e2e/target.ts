import type { Cloud, CloudTuning } from '@heliograph/embedded-cloud'
import type { LocalFile } from '../../bin/demo.ts'
import type { BeforeService } from '../../packages/embedded-cloud/src/endpoint.ts'
import type { OpenEnvironment } from '../../packages/embedded-cloud/src/functions/execution-environment.ts'

/** A deployment for one test file: an embedded cloud of its own, or the one that TARGET names. */
export interface Target {
  /** Where `TARGET=` says the stacks run. */
  readonly kind: 'embedded' | 'localstack' | 'aws' | 'machine'
  readonly stage: string
  readonly state: string
  /** Lines of the functions' logs, and of the embedded cloud's own. */
  readonly logs: string[]
  cloud: Cloud
  local: LocalFile
  /** The notifications in slots, as JSON; absent where they are in a table of DynamoDB. */
  readonly pendingTexts?: () => string[]
  /** Stops the cloud and starts it again on the same state. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface TargetOptions {
  readonly tuning?: CloudTuning
  readonly beforeService?: BeforeService
  readonly openEnvironment?: OpenEnvironment
  readonly assembly?: string
}
