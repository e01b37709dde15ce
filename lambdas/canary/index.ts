import { generateKeyPair } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { canaryIdentities } from '@heliograph/aws/canary-identities'
import { dynamoDbClient, kmsClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { readSettings, variable } from '../settings.ts'
import { activateCanary, withCanaryDevice } from './device.ts'
import { canaryHandler } from './handler.ts'
import { canaryProvider } from './provider.ts'
import { canarySettings } from './settings.ts'

const settings = readSettings(canarySettings, process.env)

/** A local cloud has a CA of its own and names it as the AWS tools expect. */
const bundle = process.env.AWS_CA_BUNDLE
const ca = bundle ? readFileSync(bundle, 'utf8') : undefined
const provider = { url: settings[variable.providerUrl], ca }
const activation = { url: settings[variable.activationUrl], ca }

/** The time of day, but not set during a run. */
const clock = { now: () => performance.timeOrigin + performance.now() }

async function makeKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Called once a minute, and by `heliograph canary`. */
export const handler = canaryHandler(
  {
    clock,
    makeKey,
    identities: canaryIdentities(
      dynamoDbClient(),
      kmsClient(),
      settings[variable.canaryTable],
      settings[variable.canaryKey],
    ),
    activate: (code) => activateCanary(activation, code),
    withDevice: (kept, work, onChange) => withCanaryDevice(kept, clock.now, work, onChange),
    provider: (credentials) => canaryProvider(provider, credentials),
  },
  jsonLog('canary', settings[variable.stage]),
)
