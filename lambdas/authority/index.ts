import { authorities } from '../../aws/authorities.ts'
import { dynamoDbClient, kmsClient } from '../../aws/clients.ts'
import { jsonLog } from '../../aws/log.ts'
import { publicKeyOf, signingKey } from '../../aws/signing-key.ts'
import { trustedCertificates } from '../../aws/trusted-certificates.ts'
import { truststore } from '../../aws/truststore.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import type { SigningKey } from '../../core/certificate.ts'
import { customResource } from '../custom-resource.ts'
import { readSettings, variable } from '../settings.ts'
import { type AuthorityKey, makeAuthority } from './handler.ts'
import { authoritySettings } from './settings.ts'

const settings = readSettings(authoritySettings, process.env)
const kms = kmsClient()

function authorityKey(arn: string, algorithm: SigningKey['algorithm']): AuthorityKey {
  return { ...signingKey(kms, arn, algorithm), arn, publicKey: () => publicKeyOf(kms, arn) }
}

const ports = {
  clock,
  ids: systemIds(),
  stage: settings[variable.stage],
  authorities: authorities(dynamoDbClient(), settings[variable.authoritiesTable]),
  keys: {
    provider: authorityKey(settings[variable.providerAuthorityKey], 'RSA-2048'),
    device: authorityKey(settings[variable.deviceAuthorityKey], 'ECDSA-P256'),
  },
  truststore: truststore(settings[variable.trustBucket]),
  trustedCertificates: trustedCertificates(settings[variable.trustBucket]),
}

export const handler = customResource(
  (event) => makeAuthority(event, ports),
  jsonLog('authority', ports.stage),
)
