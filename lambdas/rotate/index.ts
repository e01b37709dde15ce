import { dynamoDbClient, kmsClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { tokenKeyStore } from '@heliograph/aws/token-keys'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { customResource } from '../custom-resource.ts'
import { readSettings, variable } from '../settings.ts'
import { makeRing, rotateHandler } from './handler.ts'
import { rotateSettings } from './settings.ts'

const settings = readSettings(rotateSettings, process.env)
const stage = settings[variable.stage]
const log = jsonLog('rotate', stage)
const ports = {
  clock,
  ids: systemIds(),
  tokenKeys: tokenKeyStore(
    dynamoDbClient(),
    kmsClient(),
    settings[variable.tokenKeysTable],
    settings[variable.tokenWrapKey],
  ),
  graceMs: Number(settings[variable.tokenKeyGraceDays]) * 24 * 3600_000,
}

const rotate = rotateHandler(ports, log)
const deploy = customResource((event) => makeRing(event, stage, ports), log)

export const handler = (event: CloudFormationCustomResourceEvent | object) =>
  'ResponseURL' in event ? deploy(event) : rotate(event)
