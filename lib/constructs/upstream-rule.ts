import { ruleName, type Upstream } from '@heliograph/protocol/mqtt-topic'
import { Stack } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnTopicRule } from 'aws-cdk-lib/aws-iot'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { StageProps } from '../stage.ts'
import type { HeliographFunction } from './function.ts'

export interface UpstreamRuleProps {
  readonly stage: StageProps
  readonly upstream: Upstream
  readonly handler: HeliographFunction
  readonly errors: RuleErrorSink
}

/**
 * Devices publish to `$aws/rules/<rule>/<deviceId>` (Basic Ingest), so `topic(1)` is the device id,
 * which the device policy requires to be the publisher's own. The request is passed on in base64,
 * because a function should also see, and refuse, what is not JSON.
 */
function ruleSql(stage: StageProps, upstream: Upstream): string {
  return [
    'SELECT topic(1) AS deviceId, clientid() AS clientId, timestamp() AS receivedAt,',
    "principal() AS principal, encode(*, 'base64') AS request",
    `FROM 'heliograph/${stage.name}/${upstream}'`,
  ].join(' ')
}

/**
 * The queue for messages that a rule could not pass on, and the role that lets rules write to it.
 */
export class RuleErrorSink extends Construct {
  readonly #queue: IQueue
  readonly #role: Role

  constructor(scope: Construct, id: string, queue: IQueue) {
    super(scope, id)
    this.#queue = queue
    const ours = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } }
    this.#role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('iot.amazonaws.com', { conditions: ours }),
    })
    this.#role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
    )
  }

  get action(): CfnTopicRule.ActionProperty {
    return {
      sqs: { queueUrl: this.#queue.queueUrl, roleArn: this.#role.roleArn, useBase64: false },
    }
  }
}

/** Hands what devices publish upstream to a function, asynchronously, at least once. */
export class UpstreamRule extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { stage, upstream, handler, errors }: UpstreamRuleProps,
  ) {
    super(scope, id)
    const rule = new CfnTopicRule(this, 'Rule', {
      ruleName: ruleName(stage.name, upstream),
      topicRulePayload: {
        description: `What devices say to ${upstream}`,
        // The default, 2015-10-08, treats JSON differently.
        awsIotSqlVersion: '2016-03-23',
        sql: ruleSql(stage, upstream),
        actions: [{ lambda: { functionArn: handler.resource.functionArn } }],
        errorAction: errors.action,
      },
    })
    handler.resource.addPermission('Rule', {
      principal: new ServicePrincipal('iot.amazonaws.com'),
      sourceArn: rule.attrArn,
      sourceAccount: Stack.of(this).account,
    })
  }
}
