import { setTimeout as wait } from 'node:timers/promises'
import { authorities } from '../../aws/authorities.ts'
import { cachedProviders, cachedRegistrations } from '../../aws/cached.ts'
import { dynamoDbClient, kmsClient, sqsClient } from '../../aws/clients.ts'
import { jsonLog, loggedOutcomes } from '../../aws/log.ts'
import { notificationQueue } from '../../aws/notification-queue.ts'
import { providers } from '../../aws/providers.ts'
import { registrations } from '../../aws/registrations.ts'
import { tokenKeyRing } from '../../aws/token-keys.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import { rateLimit } from '../../core/rate-limit.ts'
import { readSettings, variable } from '../settings.ts'
import { acceptHandler } from './handler.ts'
import { acceptSettings } from './settings.ts'

const settings = readSettings(acceptSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('accept', settings[variable.stage])
const ring = tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock)
const authority = authorities(dynamoDb, settings[variable.authoritiesTable])

/** A provider waits 5 s in all: of what takes longer than this the first request sees to itself. */
const WARM_UP_MS = 1_500

// started while the environment is made, so that the first request finds them; a fault shows there
const warmUp = Promise.allSettled([ring.keys(), authority.find('provider')])
await Promise.race([warmUp, wait(WARM_UP_MS)])

export const handler = acceptHandler(
  {
    clock,
    ids: systemIds(),
    ring,
    authorities: authority,
    certificates: new Map(),
    providers: cachedProviders(
      providers(dynamoDb, settings[variable.providersTable]),
      Number(settings[variable.trustCacheSeconds]),
      clock,
    ),
    registrations: cachedRegistrations(
      registrations(dynamoDb, settings[variable.registrationsTable]),
      Number(settings[variable.registrationCacheSeconds]),
      clock,
    ),
    queue: notificationQueue(sqsClient(), settings[variable.notificationQueue]),
    outcomes: loggedOutcomes(log),
    rate: rateLimit(Number(settings[variable.tokenRateLimit])),
    defaultLifetimeSeconds: Number(settings[variable.defaultLifetime]),
  },
  log,
)
