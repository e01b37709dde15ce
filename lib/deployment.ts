import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import type { FunctionCode } from './functions.ts'
import type { StageProps } from './stage.ts'

/** What every construct needs to know: the stage, and where the functions' bundles are. */
export interface Deployment {
  readonly stage: StageProps
  readonly code: FunctionCode
}

/** The physical name of a part, for example `heliograph-prod-accept`. */
export function physicalName(stage: StageProps, part: string): string {
  return `heliograph-${stage.name}-${part}`
}

/** Policy for what holds data that cannot be made again. */
export function removalOf(stage: StageProps): RemovalPolicy {
  return stage.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY
}

/**
 * The same for what a first deployment may delete again when it fails: keys, which cost by the month,
 * and queues. Tables protect themselves from the moment that they are made, and the bucket may hold the truststore:
 * deleting either fails, and the roll-back with it, so they are kept.
 * Sources: CloudFormation, "DeletionPolicy attribute", `RetainExceptOnCreate`; DynamoDB, "Using deletion protection";
 * S3, `DeleteBucket`.
 */
export function removalOnceDeployed(stage: StageProps): RemovalPolicy {
  return stage.removal === 'retain'
    ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
    : RemovalPolicy.DESTROY
}

/** SQS keeps a message for at most 14 days: as long as an operator can be given to look at it. */
export const longestRetention = Duration.days(14)
