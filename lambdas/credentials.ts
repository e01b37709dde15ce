import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { authorities } from '@heliograph/aws/authorities'
import { providerKeys } from '@heliograph/aws/provider-keys'
import { providers } from '@heliograph/aws/providers'
import { systemClock as clock } from '@heliograph/aws/world'
import { cachedProviderKeys, cachedProviders } from '@heliograph/core/cached'
import type { AuthenticatePorts } from '@heliograph/core/send/authenticate'
import { tokenTrust } from '@heliograph/core/trust/token-trust'
import { variable } from './settings.ts'

type Settings = Readonly<
  Record<
    | typeof variable.authoritiesTable
    | typeof variable.providersTable
    | typeof variable.providerKeysTable
    | typeof variable.trustCacheSeconds,
    string
  >
>

/** What the functions that providers call judge a credential with, once per execution environment. */
export function credentials(dynamoDb: DynamoDBClient, settings: Settings): AuthenticatePorts {
  const seconds = Number(settings[variable.trustCacheSeconds])
  const certified = providers(dynamoDb, settings[variable.providersTable])
  const keys = providerKeys(dynamoDb, settings[variable.providerKeysTable])
  return {
    clock,
    authorities: authorities(dynamoDb, settings[variable.authoritiesTable]),
    certificates: new Map(),
    providers: cachedProviders(certified, seconds, clock),
    tokens: tokenTrust({ clock, keys: cachedProviderKeys(keys, seconds, clock) }),
  }
}
