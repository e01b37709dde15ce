import { readFileSync } from 'node:fs'
import { activationPace, activations } from '@heliograph/aws/activations'
import { dynamoDbClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { issuePorts } from '../issue.ts'
import { readSettings, variable } from '../settings.ts'
import { amazonRoots } from './amazon-roots.ts'
import { activateHandler } from './handler.ts'
import { activateSettings } from './settings.ts'

const settings = readSettings(activateSettings, process.env)
const dynamoDb = dynamoDbClient()
const table = settings[variable.activationsTable]
const stage = settings[variable.stage]
const [host = '', port = '8883'] = settings[variable.iotEndpoint].split(':')

/** A local cloud has its own CA and names it where AWS tools expect it. */
const bundle = process.env.AWS_CA_BUNDLE
const ca = bundle ? readFileSync(bundle, 'utf8') : amazonRoots()

export const handler = activateHandler(
  {
    ...issuePorts(settings, dynamoDb),
    activations: activations(dynamoDb, table),
    pace: activationPace(dynamoDb, table, Number(settings[variable.activationsPerSecond])),
  },
  { stage, mqtt: { host, port: Number(port), ca } },
  jsonLog('activate', stage),
)
