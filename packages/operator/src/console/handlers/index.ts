import type { Handlers, StreamHandlers } from '../http/router.ts'
import type { ConsoleWorld } from '../world.ts'
import { deadLetterHandlers } from './dead-letters.ts'
import { deviceHandlers } from './devices.ts'
import { jobHandlers, jobStreams } from './jobs.ts'
import { listenStreams } from './listen.ts'
import { notificationHandlers } from './notifications.ts'
import { overviewHandlers, overviewStreams } from './overview.ts'
import { providerHandlers } from './providers.ts'
import { sendHandlers } from './send.ts'
import { sessionHandlers } from './session.ts'

/** What answers each endpoint. */
export function handlersOf(world: ConsoleWorld): Handlers {
  return {
    ...sessionHandlers(world),
    ...overviewHandlers(world),
    ...sendHandlers(world),
    ...notificationHandlers(world),
    ...deviceHandlers(world),
    ...providerHandlers(world),
    ...deadLetterHandlers(world),
    ...jobHandlers(world),
  }
}

/** What speaks on each stream. */
export function streamsOf(world: ConsoleWorld): StreamHandlers {
  return { ...overviewStreams(world), ...listenStreams(world), ...jobStreams(world) }
}
