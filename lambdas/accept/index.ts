import { setTimeout as wait } from 'node:timers/promises'
import { dynamoDbClient, kmsClient, sqsClient } from '@heliograph/aws/clients'
import { jsonLog, loggedOutcomes } from '@heliograph/aws/log'
import { notificationQueue } from '@heliograph/aws/notification-queue'
import { registrationReads } from '@heliograph/aws/registration-reads'
import { tokenKeyRing } from '@heliograph/aws/token-keys'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { cachedRegistrations } from '@heliograph/core/cached'
import { parsePendingRules } from '@heliograph/core/delivery/pending-rules'
import { rateLimit } from '@heliograph/core/rate-limit'
import { credentials } from '../credentials.ts'
import { countedBy } from '../outcomes.ts'
import { readSettings, variable } from '../settings.ts'
import { acceptHandler } from './handler.ts'
import { acceptSettings } from './settings.ts'

const settings = readSettings(acceptSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('accept', settings[variable.stage])
const ring = tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock)
const credential = credentials(dynamoDb, settings)

/** A provider waits 5 s in total: whatever takes longer than this is left to the first request. */
const WARM_UP_MS = 1_500

// started while the environment is made, so that the first request finds them; a fault shows there
const warmUp = Promise.allSettled([ring.keys(), credential.authorities.find('provider')])
await Promise.race([warmUp, wait(WARM_UP_MS)])

export const handler = acceptHandler(
  {
    ...credential,
    ids: systemIds(),
    ring,
    registrations: cachedRegistrations(
      registrationReads(dynamoDb, settings[variable.registrationsTable]),
      Number(settings[variable.registrationCacheSeconds]),
      clock,
    ),
    queue: notificationQueue(sqsClient(), settings[variable.notificationQueue]),
    outcomes: loggedOutcomes(log, countedBy(settings)),
    providerRate: rateLimit(Number(settings[variable.providerRateLimit])),
    rate: rateLimit(Number(settings[variable.tokenRateLimit])),
    defaultLifetimeSeconds: Number(settings[variable.defaultLifetime]),
    pendingRules: parsePendingRules(settings[variable.pending]),
  },
  log,
)
