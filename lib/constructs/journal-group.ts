import { RemovalPolicy } from 'aws-cdk-lib'
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { StageProps } from '../stage.ts'

/**
 * A log group with the stage's retention. Logs hold no secret and no payload, and their names are
 * fixed, so they go with the stack: a kept one would stop the next deployment of the stage.
 */
export class JournalGroup extends Construct {
  readonly group: LogGroup

  constructor(scope: Construct, id: string, stage: StageProps, logGroupName: string) {
    super(scope, id)
    this.group = new LogGroup(this, 'Group', {
      logGroupName,
      retention: stage.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    })
  }

  /** Lets a function write to this group and to no other. */
  grantWrite(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        // The attribute ends in `:*`, which stands for the streams of this group.
        resources: [this.group.logGroupArn],
      }),
    )
  }
}
