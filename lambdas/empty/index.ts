import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { dynamoDbClient, iotClient } from '@heliograph/aws/clients'
import { fleet } from '@heliograph/aws/fleet'
import { jsonLog } from '@heliograph/aws/log'
import { pace } from '@heliograph/aws/pace'
import { systemWait } from '@heliograph/aws/patience'
import { systemClock as clock } from '@heliograph/aws/world'
import { callAttempts } from '@heliograph/protocol/retry'
import { customResource } from '../custom-resource.ts'
import { readSettings, variable } from '../settings.ts'
import { type EmptyEvent, type EmptyStagePorts, emptyOnDelete } from './handler.ts'
import { emptySettings } from './settings.ts'

const settings = readSettings(emptySettings, process.env)
const log = jsonLog('empty', settings[variable.stage])
const iot = pace(iotClient(), Number(settings[variable.registryCallsPerSecond]), clock)
const lambda = new LambdaClient({ maxAttempts: callAttempts.patient })
const cloudFormation = new CloudFormationClient({ maxAttempts: callAttempts.patient })

const ports: EmptyStagePorts = {
  clock,
  wait: systemWait,
  fleet: fleet(iot, dynamoDbClient(), {
    policyName: settings[variable.devicePolicy],
    devicesTable: settings[variable.devicesTable],
  }),
  progress: (emptying) => log.info('emptying', { ...emptying }),

  async stackStatus(StackName) {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }))
    return Stacks?.[0]?.StackStatus ?? 'UNKNOWN'
  },

  async goOn(event: EmptyEvent) {
    const FunctionName = process.env.AWS_LAMBDA_FUNCTION_NAME
    const Payload = JSON.stringify(event)
    await lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }))
  },
}

/** Empties a stage whose stack is deleted. */
export const handler = customResource((event) => emptyOnDelete(event, ports), log)
