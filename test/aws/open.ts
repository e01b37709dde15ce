import { openDeployment } from '../../packages/operator/src/aws-deployment.ts'
import type { AwsDeployment } from '../../packages/operator/src/aws-stage.ts'
import type { Target } from '../e2e/target.ts'

/** The target as an operator's commands see it; on AWS with the caller's own credentials. */
export function openFor({ kind, stage, cloud }: Target): Promise<AwsDeployment> {
  return openDeployment({ stage, ...(kind !== 'aws' && { environment: cloud.environment }) })
}
