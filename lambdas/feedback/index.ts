import { authorities } from '../../aws/authorities.ts'
import { cachedProviders } from '../../aws/cached.ts'
import { dynamoDbClient } from '../../aws/clients.ts'
import { feedback } from '../../aws/feedback.ts'
import { faultFields, jsonLog } from '../../aws/log.ts'
import { providers } from '../../aws/providers.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import { readFeedback } from '../../core/feedback.ts'
import { answerInTime, type HttpEvent, httpResult } from '../http.ts'
import { readSettings, variable } from '../settings.ts'
import { feedbackSettings } from './settings.ts'

const settings = readSettings(feedbackSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('feedback', settings[variable.stage])
const ids = systemIds()
const ports = {
  clock,
  ids,
  authorities: authorities(dynamoDb, settings[variable.authoritiesTable]),
  certificates: new Map(),
  providers: cachedProviders(
    providers(dynamoDb, settings[variable.providersTable]),
    Number(settings[variable.trustCacheSeconds]),
    clock,
  ),
  feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, ids),
}

export async function handler(event: HttpEvent) {
  const answer = await answerInTime(event, {
    work: (request) => readFeedback(request, ports),
    uuid: () => ids.uuid(),
    now: () => clock.now(),
    onFault: (fault) => log.error('feedback failed', faultFields(fault)),
  })
  return httpResult(answer)
}
