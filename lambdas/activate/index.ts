import { readFileSync } from 'node:fs'
import { activations } from '../../aws/activations.ts'
import { dynamoDbClient } from '../../aws/clients.ts'
import { jsonLog } from '../../aws/log.ts'
import { issuePorts } from '../issue.ts'
import { readSettings, variable } from '../settings.ts'
import { amazonRoots } from './amazon-roots.ts'
import { activateHandler } from './handler.ts'
import { activateSettings } from './settings.ts'

const settings = readSettings(activateSettings, process.env)
const dynamoDb = dynamoDbClient()
const stage = settings[variable.stage]
const [host = '', port = '8883'] = settings[variable.iotEndpoint].split(':')

/** A local cloud has a CA of its own and names it as the AWS tools expect. */
const bundle = process.env.AWS_CA_BUNDLE
const ca = bundle ? readFileSync(bundle, 'utf8') : amazonRoots()

export const handler = activateHandler(
  {
    ...issuePorts(settings, dynamoDb),
    activations: activations(dynamoDb, settings[variable.activationsTable]),
  },
  { stage, mqtt: { host, port: Number(port), ca } },
  jsonLog('activate', stage),
)
