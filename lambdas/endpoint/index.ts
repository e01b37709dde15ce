import { DescribeEndpointCommand } from '@aws-sdk/client-iot'
import { iotClient } from '../../aws/clients.ts'
import { jsonLog } from '../../aws/log.ts'
import { customResource } from '../custom-resource.ts'
import { readSettings, variable } from '../settings.ts'
import { endpointSettings } from './settings.ts'

const settings = readSettings(endpointSettings, process.env)
const client = iotClient()

/** The account's own data endpoint: CloudFormation has no attribute for it. */
export const handler = customResource(
  async (event) => {
    if (event.RequestType === 'Delete') return { physicalId: event.PhysicalResourceId }
    const command = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })
    const { endpointAddress: address } = await client.send(command)
    if (!address) throw new Error('IoT Core named no data endpoint')
    return { physicalId: address, attributes: { Address: address } }
  },
  jsonLog('endpoint', settings[variable.stage]),
)
