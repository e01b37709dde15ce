import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import { FilterPattern } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Deployment } from '../deployment.ts'
import { metricNames } from '../metrics.ts'
import type { StateStack } from '../stacks/state-stack.ts'
import { HeliographFunction } from './function.ts'
import { filterLog } from './outcome-metrics.ts'

/** Looks once a day how long the certificates of the trust chain are still valid. */
export class CertificateWatch extends Construct {
  readonly inspector: HeliographFunction

  constructor(
    scope: Construct,
    id: string,
    deployment: Deployment,
    { stores, trust, authorities, deadLetters }: StateStack,
  ) {
    super(scope, id)
    this.inspector = new HeliographFunction(this, 'inspect', deployment, {
      description: 'Reports how long the certificates of both CAs and the truststore are valid',
      timeoutSeconds: 30,
      memoryMegabytes: 256,
      deadLetters,
    })
    stores.authorities.grant(this.inspector, 'GetItem')
    trust.grantRead(this.inspector, authorities.truststore.key)
    new Rule(this, 'Schedule', {
      description: 'Time to look at the certificates',
      schedule: Schedule.rate(Duration.days(1)),
      targets: [new LambdaTarget(this.inspector.resource)],
    })
    filterLog(this, 'days-left', deployment.stage, 'inspect', {
      filterPattern: FilterPattern.exists('$.daysLeft'),
      metricName: metricNames.daysLeft,
      metricValue: '$.daysLeft',
      dimensions: { stage: '$.stage', certificate: '$.certificate' },
    })
  }
}
