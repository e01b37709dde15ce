import { jsonLog } from '@heliograph/aws/log'
import { systemClock as clock } from '@heliograph/aws/world'
import { customResource } from '../custom-resource.ts'
import { readSettings, variable } from '../settings.ts'
import { describeCertificate } from './certificate.ts'
import { checkDomain } from './handler.ts'
import { domainSettings } from './settings.ts'

const settings = readSettings(domainSettings, process.env)
const ports = { clock, describe: describeCertificate() }

/** Ends a deployment whose server certificate would fail providers. */
export const handler = customResource(
  (event) => checkDomain(event, ports),
  jsonLog('domain', settings[variable.stage]),
)
