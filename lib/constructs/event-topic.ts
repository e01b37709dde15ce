import { Topic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import { removalOnceDeployed } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import type { Grantee } from './grantee.ts'

/**
 * Tells subscribers what happens to notifications, and which tokens have died. IAM in the account
 * decides who may subscribe: the topic's policy admits nobody.
 */
export class EventTopic extends Construct {
  readonly topic: Topic

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    this.topic = new Topic(this, 'Topic', {
      enforceSSL: true,
      // SHA-256; version 1 is SHA-1
      signatureVersion: '2',
    })
    this.topic.applyRemovalPolicy(removalOnceDeployed(stage))
  }

  /** Tells the function the topic, and permits publishing. */
  grantPublish(grantee: Grantee): void {
    grantee.set(variable.eventTopic, this.topic.topicArn)
    grantee.allow(['sns:Publish'], [this.topic.topicArn])
  }
}
