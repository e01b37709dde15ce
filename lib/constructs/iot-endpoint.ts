import { anyChannelTopic, anyDownTopic } from '@heliograph/protocol/mqtt-topic'
import { Stack } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { probe } from '../../lambdas/endpoint/settings.ts'
import { variable } from '../../lambdas/settings.ts'
import type { Deployment } from '../deployment.ts'
import { HeliographFunction } from './function.ts'
import { madeBy } from './made-by.ts'

/** The account's own IoT Core data endpoint, which CloudFormation cannot tell. */
export class IotEndpoint extends Construct {
  /** Host name, perhaps with `:port`. */
  readonly address: string

  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id)
    const finder = new HeliographFunction(this, 'endpoint', deployment, {
      description:
        "Asks IoT Core for the account's data endpoint, and whether it takes direct messages",
      timeoutSeconds: 60,
      memoryMegabytes: 256,
    })
    finder.allowFamily({
      actions: ['iot:DescribeEndpoint'],
      resource: '*',
      reason: 'IAM knows no resource for DescribeEndpoint, which tells a host name',
    })
    finder.allow(['iot:SendDirectMessage'], [this.#client(probe.clientId)], {
      StringEquals: { 'iot:Topic': probe.topic },
    })
    const found = madeBy(finder, this, 'IotEndpoint', { endpointType: 'iot:Data-ATS' })
    this.address = found.getAttString('Address')
  }

  /** Tells the function the endpoint. */
  tell(listener: HeliographFunction): void {
    listener.set(variable.iotEndpoint, this.address)
  }

  /** Tells the function the endpoint and permits direct messages to any device. */
  grantSend(grantee: HeliographFunction): void {
    this.tell(grantee)
    grantee.allowFamily({
      actions: ['iot:SendDirectMessage'],
      resource: this.#client('*'),
      reason: 'Devices come and go without a deployment; the condition bounds the topics',
      conditions: { StringLike: { 'iot:Topic': anyDownTopic } },
    })
  }

  /** Tells the function the endpoint and permits it to publish to channels, also what is retained. */
  grantBroadcast(grantee: HeliographFunction): void {
    this.tell(grantee)
    grantee.allowFamily({
      actions: ['iot:Publish', 'iot:RetainPublish'],
      resource: this.#arn('topic', anyChannelTopic),
      reason: 'Providers create channels, whose ids are drawn, without a deployment',
    })
  }

  #client(resourceName: string): string {
    return this.#arn('client', resourceName)
  }

  #arn(resource: string, resourceName: string): string {
    return Stack.of(this).formatArn({ service: 'iot', resource, resourceName })
  }
}
