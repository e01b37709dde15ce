import { examine } from '../../checks/examine.ts'
import { type EventWishes, listenToEvents } from '../../operations/listen-to-events.ts'
import { ApiFailure } from '../failure.ts'
import type { StreamHandlers } from '../http/router.ts'
import { MAX_LISTENERS } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

export function listenStreams(
  world: ConsoleWorld,
): Pick<StreamHandlers, 'GET /api/events' | 'GET /api/doctor'> {
  let listeners = 0
  return {
    async 'GET /api/events'({ query }, { send, closed }) {
      if (listeners >= MAX_LISTENERS)
        throw new ApiFailure('busy', `${MAX_LISTENERS} windows listen already: close one`)
      listeners += 1
      try {
        await listenToEvents(await world.deployment(), wishesOf(query), {
          ready: () => send('ready', {}),
          hear: (event) => send('event', event),
          missed: (count) => send('missed', { count }),
          stop: closed,
        })
      } finally {
        listeners -= 1
      }
    },

    async 'GET /api/doctor'(_request, { send }) {
      const [deployment, entrances] = await Promise.all([world.deployment(), world.entrances()])
      await examine(
        { deployment, entrances },
        {
          begin: (checks) => send('begin', { checks: [...checks] }),
          found: (check, findings) => send('finding', { check, findings: [...findings] }),
        },
      )
    },
  }
}

function wishesOf(query: URLSearchParams): EventWishes {
  const [topics, outcomes] = [query.getAll('topic'), query.getAll('outcome')]
  return {
    ...(topics.length > 0 && { topics }),
    ...(outcomes.length > 0 && { outcomes }),
  }
}
