import { authorities } from '../../aws/authorities.ts'
import { dynamoDbClient } from '../../aws/clients.ts'
import { jsonLog } from '../../aws/log.ts'
import { trustedCertificates } from '../../aws/trusted-certificates.ts'
import { systemClock as clock } from '../../aws/world.ts'
import { readSettings, variable } from '../settings.ts'
import { inspectHandler } from './handler.ts'
import { inspectSettings } from './settings.ts'

const settings = readSettings(inspectSettings, process.env)

/** Called once a day. */
export const handler = inspectHandler(
  {
    clock,
    authorities: authorities(dynamoDbClient(), settings[variable.authoritiesTable]),
    trustedCertificates: trustedCertificates(settings[variable.trustBucket]),
  },
  jsonLog('inspect', settings[variable.stage]),
)
