import { setTimeout as wait } from 'node:timers/promises'
import { readStats } from '../../operations/stats.ts'
import type { OverviewPart, OverviewPartName } from '../api.ts'
import { ApiFailure, apiErrorOf, within } from '../failure.ts'
import { optionalWhole } from '../http/body.ts'
import type { Handlers, StreamHandlers } from '../http/router.ts'
import { patience, READING_SHARE, refresh } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

interface Span {
  readonly seconds: number
  readonly topics: readonly string[] | undefined
}

/** As `heliograph stats --since`. */
const spanBounds = { least: 60, most: 455 * 24 * 3600 }
const DEFAULT_SECONDS = 3_600

function spanOf(query: URLSearchParams): Span {
  const seconds = optionalWhole(query.get('since'), 'since', spanBounds) ?? DEFAULT_SECONDS
  const topics = query.getAll('topic')
  return { seconds, topics: topics.length > 0 ? topics : undefined }
}

type Reader = (world: ConsoleWorld, span: Span) => Promise<OverviewPart['value']>

/** Loaded when it is used: it brings parts of the AWS SDK. */
const status = async () => ({
  ...(await import('../../operations/status.ts')),
  ...(await import('../../checks/alarms.ts')),
})

const readers: Readonly<Record<OverviewPartName, Reader>> = {
  rates: async (world, { seconds, topics }) => readStats(await world.deployment(), seconds, topics),
  queues: async (world) => ({
    queues: await (await status()).queueStates(await world.deployment()),
  }),
  devices: async (world) => (await status()).deviceFigures(await world.deployment()),
  alarms: async (world) => {
    const { alarms, note } = await (await status()).alarmStates(await world.deployment())
    return { alarms: [...alarms], ...(note && { note }) }
  },
}

const partNames = Object.keys(readers) as OverviewPartName[]

function refreshSecondsOf({ target }: ConsoleWorld, part: OverviewPartName): number {
  return refresh[target.target === 'aws' ? 'aws' : 'here'][part]
}

async function readPart(
  world: ConsoleWorld,
  part: OverviewPartName,
  span: Span,
): Promise<OverviewPart> {
  const value = await readers[part](world, span)
  const refreshSeconds = refreshSecondsOf(world, part)
  // the table above gives each part its own value
  return { part, at: world.clock.now(), refreshSeconds, value } as OverviewPart
}

export function overviewHandlers(world: ConsoleWorld): Pick<Handlers, 'GET /api/overview/:part'> {
  return {
    'GET /api/overview/:part': {
      seconds: patience.slowRead,
      async answer({ params, query }) {
        const part = partNames.find((name) => name === params.part)
        if (!part)
          throw new ApiFailure('notFound', `the overview has the parts ${partNames.join(', ')}`)
        return readPart(world, part, spanOf(query))
      },
    },
  }
}

export function overviewStreams(
  world: ConsoleWorld,
): Pick<StreamHandlers, 'GET /api/overview/live'> {
  return {
    async 'GET /api/overview/live'({ query }, { send, closed }) {
      const span = spanOf(query)
      const tell = async (part: OverviewPartName) => {
        try {
          send('part', await within(patience.slowRead, readPart(world, part, span)))
        } catch (fault) {
          world.noteFault(fault)
          send('failed', { part, at: world.clock.now(), error: apiErrorOf(fault) })
        }
      }
      await Promise.all(partNames.map((part) => repeat(() => tell(part), { world, part, closed })))
    },
  }
}

interface Repetition {
  readonly world: ConsoleWorld
  readonly part: OverviewPartName
  readonly closed: AbortSignal
}

/** Again and again, as often as the part is read, and less often where reading it takes long. */
async function repeat(
  work: () => Promise<void>,
  { world, part, closed }: Repetition,
): Promise<void> {
  while (!closed.aborted) {
    const begun = performance.now()
    await work()
    const pauseMs = Math.max(
      refreshSecondsOf(world, part) * 1_000,
      (performance.now() - begun) / READING_SHARE,
    )
    await wait(pauseMs, undefined, { signal: closed }).catch(() => {})
  }
}
