import type { LocalFile } from '../../bin/demo.ts'
import type { Cloud } from '../../packages/embedded-cloud/src/cloud.ts'

/**
 * How a test file finds the deployment that a runner prepared; its path is in HELIOGRAPH_TARGET_FILE. The
 * members that a cloud has too mean the same there.
 */
export interface TargetFile
  extends Pick<
    Cloud,
    'endpoint' | 'identity' | 'caFile' | 'environment' | 'mutualTlsApis' | 'apis' | 'mqtt'
  > {
  readonly kind: 'localstack' | 'aws'
  readonly stage: string
  /** Output values by stack name and output key. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Of CloudWatch Logs. */
  readonly logsEndpoint: string
  /** The test provider and activation code; made for each test file where it is absent. */
  readonly local?: LocalFile
}
