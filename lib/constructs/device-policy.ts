import {
  anyChannelTopic,
  anyDownTopic,
  downTopics,
  upTopics,
} from '@heliograph/protocol/mqtt-topic'
import { Stack } from 'aws-cdk-lib'
import { CfnPolicy } from 'aws-cdk-lib/aws-iot'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import { physicalName } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import type { HeliographFunction } from './function.ts'

/**
 * IoT Core puts the name of the thing that the connection's certificate is attached to here. A
 * thing is named after its device, and a device connects with that name as client id.
 */
// biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable, for IoT Core to fill in
const thingName = '${iot:Connection.Thing.ThingName}'

/**
 * The single policy that every device certificate gets: connect as itself, receive, publish to its
 * own upstream topics, and subscribe to channels by name. To nothing else: the other downstream
 * topics are the same for all devices, direct messages need no subscription, and a subscription would
 * receive messages for others.
 */
export class DevicePolicy extends Construct {
  readonly policyName: string
  readonly #resource: CfnPolicy

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    this.policyName = physicalName(stage, 'device')
    this.#resource = new CfnPolicy(this, 'Policy', {
      policyName: this.policyName,
      policyDocument: {
        Version: '2012-10-17',
        Statement: [
          this.#connect(),
          this.#receive(),
          this.#stay(),
          this.#publish(stage),
          this.#join(),
          this.#joinByName(),
        ],
      },
    })
  }

  /** Tells the function which policy to attach. */
  tell(listener: HeliographFunction): void {
    listener.set(variable.devicePolicy, this.policyName)
  }

  /** What must go before the policy does: it cannot be deleted while a certificate has it. */
  outlive(guest: Construct): void {
    guest.node.addDependency(this.#resource)
  }

  /** ARN of the policy. */
  get policyArn(): string {
    return this.#arn('policy', this.policyName)
  }

  #connect() {
    return {
      Effect: 'Allow',
      Action: 'iot:Connect',
      Resource: this.#arn('client', thingName),
      Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
    }
  }

  #receive() {
    return {
      Effect: 'Allow',
      Action: 'iot:Receive',
      Resource: this.#arn('topic', anyDownTopic),
    }
  }

  /** No stage sends its devices elsewhere, so that nobody who may send direct messages can. */
  #stay() {
    return {
      Effect: 'Deny',
      Action: 'iot:Receive',
      Resource: this.#arn('topic', downTopics.move),
    }
  }

  #publish(stage: StageProps) {
    const topics = Object.values(upTopics(stage.name, thingName))
    return {
      Effect: 'Allow',
      Action: 'iot:Publish',
      Resource: topics.map((topic) => this.#arn('topic', topic)),
    }
  }

  /** Who knows the id of a channel may join it. */
  #join() {
    return {
      Effect: 'Allow',
      Action: 'iot:Subscribe',
      Resource: this.#arn('topicfilter', anyChannelTopic),
    }
  }

  /**
   * A filter with wildcards would be every channel. In a policy, `+` and `#` are characters like any
   * other, and `*` stands for them, too (AWS IoT Core: "Using wildcard characters in MQTT and AWS IoT
   * Core policies").
   */
  #joinByName() {
    const filters = ['+', '#', '/'].map((character) => `${anyChannelTopic}${character}*`)
    return {
      Effect: 'Deny',
      Action: 'iot:Subscribe',
      Resource: filters.map((filter) => this.#arn('topicfilter', filter)),
    }
  }

  /** A plain string with tokens, so that no `Fn::Sub` takes `${iot:…}` for its own. */
  #arn(resource: string, resourceName: string): string {
    return Stack.of(this).formatArn({ service: 'iot', resource, resourceName })
  }
}
