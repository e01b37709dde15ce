import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { dynamoDbClient, kmsClient } from '../../aws/clients.ts'
import { jsonLog } from '../../aws/log.ts'
import { tokenKeyStore } from '../../aws/token-keys.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import { ensureKey, rotate, rotateOnSchedule } from '../../core/rotate.ts'
import { customResource } from '../custom-resource.ts'
import { readSettings, variable } from '../settings.ts'
import { rotateSettings } from './settings.ts'

const settings = readSettings(rotateSettings, process.env)
const log = jsonLog('rotate', settings[variable.stage])
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

/** A deployment only makes sure of a first key: an update must not rotate. */
const makeRing = customResource(async (event) => {
  if (event.RequestType !== 'Delete') await ensureKey(ports)
  return { physicalId: `token-key-ring-${settings[variable.stage]}` }
}, log)

/** Called by the schedule, by `heliograph key rotate`, and by CloudFormation. */
export async function handler(event: CloudFormationCustomResourceEvent | object) {
  if ('ResponseURL' in event) return makeRing(event)
  const scheduled = 'detail-type' in event
  const rotation = await (scheduled ? rotateOnSchedule(ports) : rotate(ports))
  log.info(rotation ? 'token keys rotated' : 'the primary token key is young: not rotated', {
    ...rotation,
  })
  return rotation
}
