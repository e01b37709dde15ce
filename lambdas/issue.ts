import { authorities } from '../aws/authorities.ts'
import { type dynamoDbClient, iotClient, kmsClient } from '../aws/clients.ts'
import { deviceRegistry } from '../aws/device-registry.ts'
import { devices } from '../aws/devices.ts'
import { signingKey } from '../aws/signing-key.ts'
import { systemClock as clock, systemIds } from '../aws/world.ts'
import type { IssuePorts } from '../core/activate.ts'
import { variable } from './settings.ts'

type IssueSettings = Record<
  | typeof variable.authoritiesTable
  | typeof variable.deviceAuthorityKey
  | typeof variable.devicesTable
  | typeof variable.devicePolicy
  | typeof variable.deviceCertificateDays,
  string
>

/** What activate and renew share: all it takes to give a device a certificate. */
export function issuePorts(
  settings: IssueSettings,
  dynamoDb: ReturnType<typeof dynamoDbClient>,
): IssuePorts {
  return {
    clock,
    ids: systemIds(),
    authorities: authorities(dynamoDb, settings[variable.authoritiesTable]),
    signingKey: signingKey(kmsClient(), settings[variable.deviceAuthorityKey], 'ECDSA-P256'),
    registry: deviceRegistry(iotClient(), settings[variable.devicePolicy]),
    devices: devices(dynamoDb, settings[variable.devicesTable]),
    certificateDays: Number(settings[variable.deviceCertificateDays]),
  }
}
