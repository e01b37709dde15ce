import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { providerKeys } from '@heliograph/aws/provider-keys'
import { systemClock as clock } from '@heliograph/aws/world'
import { cachedProviderKeys } from '@heliograph/core/cached'
import { type TokenTrust, tokenTrust } from '@heliograph/core/trust/token-trust'
import { variable } from './settings.ts'

/** What the functions that take provider tokens judge them with, once per execution environment. */
export function tokens(
  dynamoDb: DynamoDBClient,
  settings: Readonly<
    Record<typeof variable.providerKeysTable | typeof variable.trustCacheSeconds, string>
  >,
): TokenTrust {
  const keys = providerKeys(dynamoDb, settings[variable.providerKeysTable])
  const seconds = Number(settings[variable.trustCacheSeconds])
  return tokenTrust({ clock, keys: cachedProviderKeys(keys, seconds, clock) })
}
