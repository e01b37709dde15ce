import { DescribeEndpointCommand } from '@aws-sdk/client-iot'
import { iotClient, iotDataClient } from '@heliograph/aws/clients'
import { probeDirectMessages } from '@heliograph/aws/direct-message-probe'
import { jsonLog } from '@heliograph/aws/log'
import { customResource } from '../custom-resource.ts'
import { readSettings, variable } from '../settings.ts'
import { findEndpoint } from './handler.ts'
import { endpointSettings } from './settings.ts'

const settings = readSettings(endpointSettings, process.env)
const client = iotClient()

const ports = {
  region: process.env.AWS_REGION ?? 'this region',
  async find() {
    const command = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })
    return (await client.send(command)).endpointAddress
  },
  probe: (address: string) => probeDirectMessages(iotDataClient(address, process.env)),
}

export const handler = customResource(
  (event) => findEndpoint(event, ports),
  jsonLog('endpoint', settings[variable.stage]),
)
