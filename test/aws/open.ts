import { type Deployment, openDeployment } from '../../cli/deployment.ts'
import type { Target } from '../e2e/support.ts'

/** The target as an operator's commands see it; on AWS with the caller's own credentials. */
export function openFor({ kind, stage, cloud }: Target): Promise<Deployment> {
  return openDeployment({ stage, ...(kind !== 'aws' && { environment: cloud.environment }) })
}
