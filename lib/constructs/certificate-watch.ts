import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import { FilterPattern, type IFilterPattern } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Deployment } from '../deployment.ts'
import { metricNames } from '../metrics.ts'
import type { Authorities } from './authorities.ts'
import { HeliographFunction } from './function.ts'
import { filterLog } from './outcome-metrics.ts'
import type { DeadLetterQueue } from './queues.ts'
import type { Stores } from './stores.ts'
import type { TrustBucket } from './trust-bucket.ts'

export interface CertificateWatchProps {
  readonly stores: Stores
  readonly trust: TrustBucket
  readonly authorities: Authorities
  readonly deadLetters: DeadLetterQueue
}

/** Looks once a day how long the certificates of the trust chain are still valid. */
export class CertificateWatch extends Construct {
  readonly inspector: HeliographFunction

  constructor(
    scope: Construct,
    id: string,
    deployment: Deployment,
    { stores, trust, authorities, deadLetters }: CertificateWatchProps,
  ) {
    super(scope, id)
    this.inspector = new HeliographFunction(this, 'inspect', deployment, {
      description: 'Reports how long the certificates of both CAs and the truststore are valid',
      timeoutSeconds: 30,
      memoryMegabytes: 256,
      deadLetters,
    })
    stores.authorities.grant(this.inspector, 'GetItem')
    trust.grantRead(this.inspector, authorities.truststoreKey)
    new Rule(this, 'Schedule', {
      description: 'Time to look at the certificates',
      schedule: Schedule.rate(Duration.days(1)),
      targets: [new LambdaTarget(this.inspector.resource)],
    })
    const daysLeft = filterLog(this, 'days-left', deployment.stage, 'inspect', {
      filterPattern: anyNumber('$.daysLeft'),
      metricName: metricNames.daysLeft,
      metricValue: '$.daysLeft',
      dimensions: { stage: '$.stage', certificate: '$.certificate' },
    })
    // The filter has the log group by name only; CloudFormation would otherwise make both at once.
    daysLeft.node.addDependency(this.inspector)
  }
}

/**
 * `= "*"` matches text; a number, which is negative for an expired certificate, is matched by its
 * range.
 */
function anyNumber(field: string): IFilterPattern {
  return FilterPattern.any(
    FilterPattern.numberValue(field, '>=', 0),
    FilterPattern.numberValue(field, '<', 0),
  )
}
