import { authorities } from '@heliograph/aws/authorities'
import { type dynamoDbClient, iotClient, kmsClient } from '@heliograph/aws/clients'
import { deviceRegistry } from '@heliograph/aws/device-registry'
import { devices } from '@heliograph/aws/devices'
import { signingKey } from '@heliograph/aws/signing-key'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import type { IssuePorts } from '@heliograph/core/devices/activate'
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
