import { authorities } from '@heliograph/aws/authorities'
import { dynamoDbClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { trustedCertificates } from '@heliograph/aws/trusted-certificates'
import { systemClock as clock } from '@heliograph/aws/world'
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
