import { GetPolicyCommand } from '@aws-sdk/client-iot'
import { probeDirectMessages, withoutDirectMessages } from '@heliograph/aws/direct-message-probe'
import { anyChannelTopic } from '@heliograph/protocol/mqtt-topic'
import { awsOnly } from '../aws-stage.ts'
import { deadLetterDepths } from '../operations/dead-letters.ts'
import { count } from '../report.ts'
import { type Check, ok, problem, warning } from './finding.ts'

/** The policy that every device certificate gets exists and does not permit too much. */
export const devicePolicyCheck: Check = {
  name: 'device policy',
  async run({ deployment }) {
    const { clients, outputs } = awsOnly(deployment, 'it has a device policy')
    const { DevicePolicy: policyName } = outputs
    const { policyDocument = '{}' } = await clients.iot.send(new GetPolicyCommand({ policyName }))
    const excess = excessOf(JSON.parse(policyDocument) as PolicyDocument)
    return [
      excess
        ? problem('device policy', `${policyName} ${excess}: deploy the Devices stack again`)
        : ok('device policy', `${policyName} holds each device to its own name`),
    ]
  },
}

interface PolicyDocument {
  readonly Statement?: readonly Statement[]
}

interface Statement {
  readonly Effect?: string
  readonly Action?: string | readonly string[]
  readonly Resource?: string | readonly string[]
}

const permitted = ['iot:Connect', 'iot:Receive', 'iot:Publish', 'iot:Subscribe']
const OWN_NAME = 'iot:Connection.Thing.ThingName'

/** What the policy permits beyond the design, as a sentence. */
function excessOf({ Statement: statements = [] }: PolicyDocument): string | undefined {
  const allowing = statements.filter(({ Effect }) => Effect === 'Allow')
  const actions = allowing.flatMap(({ Action = [] }) => Action)
  const surplus = actions.find((action) => !permitted.includes(action))
  if (surplus) return `permits ${surplus}, which no device needs`
  const foreign = allowing
    .filter(({ Action }) => Action !== 'iot:Receive' && Action !== 'iot:Subscribe')
    .flatMap(({ Resource = [] }) => Resource)
    .find((resource) => !resource.includes(OWN_NAME))
  if (foreign) return `lets devices at ${foreign}, which is not bound to their own name`
  return actions.includes('iot:Subscribe') ? subscriptionExcess(statements) : undefined
}

/** Devices subscribe to channels by name, and to nothing else. */
function subscriptionExcess(statements: readonly Statement[]): string | undefined {
  const filters = (effect: string) =>
    statements
      .filter(({ Effect, Action }) => Effect === effect && Action === 'iot:Subscribe')
      .flatMap(({ Resource = [] }) => Resource)
  const channels = `:topicfilter/${anyChannelTopic}`
  const other = filters('Allow').find((filter) => !filter.endsWith(channels))
  if (other) return `lets devices subscribe to ${other}, which is not a channel`
  const denied = filters('Deny')
  const open = ['+', '#'].find((sign) => !denied.some((one) => one.endsWith(`${channels}${sign}*`)))
  return open && `lets devices subscribe to all channels at once, with ${open}`
}

/** The region has the one operation that everything is delivered with. */
export const directMessageCheck: Check = {
  name: 'direct messages',
  async run({ deployment }) {
    const { clients, outputs } = awsOnly(deployment, 'it has direct messages')
    const client = clients.iotData(outputs.IotEndpoint)
    const answer = await probeDirectMessages(client, undefined, [])
    if (answer === undefined) return [ok('direct messages', 'IoT Core takes them here')]
    // what the operator may not do says nothing of the region
    if (/^(Forbidden|Unauthorized|AccessDenied)/.test(answer))
      return [warning('direct messages', `could not be checked, ${answer}: see docs/cli.md`)]
    const region = await client.config.region()
    return [problem('direct messages', withoutDirectMessages(region, answer))]
  },
}

/** Nothing has been given up. */
export const deadLetterCheck: Check = {
  name: 'dead letters',
  async run({ deployment }) {
    const depths = await deadLetterDepths(deployment)
    const filled = depths.filter(({ waiting }) => waiting > 0)
    if (filled.length === 0) return [ok('dead letters', 'all queues are empty')]
    return filled.map(({ queue, waiting }) =>
      warning(
        'dead letters',
        `${count(waiting, 'message')} in ${queue}: heliograph dlq list ${queue}`,
      ),
    )
  },
}
