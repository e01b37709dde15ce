import { GetTopicAttributesCommand } from '@aws-sdk/client-sns'
import { areEventsOff, parseEventSettings } from '@heliograph/core/events/event-settings'
import { type AwsDeployment, awsOnly } from '../aws-stage.ts'
import { count } from '../report.ts'
import { type Check, type Finding, ok, problem, warning } from './finding.ts'

/** Where the stage has events, the topic is there, and whoever has subscribed has confirmed it. */
export const eventCheck: Check = {
  name: 'events',
  async run(patient) {
    const deployment = awsOnly(patient.deployment, 'it has an event topic')
    const { EventTopic: topicArn, EventSettings: settings } = deployment.outputs
    if (!topicArn || !settings) return [ok('events', 'an earlier version is deployed: it has none')]
    if (areEventsOff(parseEventSettings(settings)))
      return [ok('events', 'off in this stage (docs/events.md)')]
    return [await findingOf(deployment, topicArn)]
  },
}

async function findingOf({ clients }: AwsDeployment, topicArn: string): Promise<Finding> {
  try {
    const command = new GetTopicAttributesCommand({ TopicArn: topicArn })
    const { Attributes: attributes = {} } = await clients.sns.send(command)
    const confirmed = Number(attributes.SubscriptionsConfirmed ?? 0)
    const pending = Number(attributes.SubscriptionsPending ?? 0)
    if (pending > 0)
      return warning(
        'events',
        `${count(pending, 'subscription')} not confirmed: who subscribed must open the link that SNS sent, within 48 hours`,
      )
    return ok('events', `${count(confirmed, 'subscription')} to the event topic`)
  } catch (fault) {
    const { name, message } = fault as Error
    if (/^NotFound/.test(name))
      return problem(
        'events',
        `${topicArn} is gone, so nobody hears of events: create a topic with the same name and signature version 2, and subscribe again`,
      )
    // what the operator may not do says nothing of the topic
    if (/^(Authorization|AccessDenied)/.test(name))
      return warning('events', `could not be checked, ${message}: see docs/cli.md`)
    throw fault
  }
}
