import { authorities } from '@heliograph/aws/authorities'
import { dynamoDbClient, kmsClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { publicKeyOf, signingKey } from '@heliograph/aws/signing-key'
import { trustedCertificates } from '@heliograph/aws/trusted-certificates'
import { truststore } from '@heliograph/aws/truststore'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import type { AuthorityKey, SigningKey } from '@heliograph/core/ports'
import { customResource } from '../custom-resource.ts'
import { readSettings, variable } from '../settings.ts'
import { authorityHandler } from './handler.ts'
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

export const handler = customResource(authorityHandler(ports), jsonLog('authority', ports.stage))
