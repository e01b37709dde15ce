import { join } from 'node:path'
import { genuineBy, type IsGenuine } from '@heliograph/core/delivery/seal'
import { silence } from '@heliograph/core/delivery/silence'
import type { Notification } from '@heliograph/core/notification'
import type { Outcome } from '@heliograph/core/outcome'
import type {
  BroadcastOutcomes,
  Clock,
  Ids,
  Outcomes,
  PendingNotifications,
  TokenKeyRing,
} from '@heliograph/core/ports'
import type { CertificateCache } from '@heliograph/core/send/authenticate'
import type { Log } from './log.ts'
import { type Metrics, metrics } from './metrics.ts'
import { MachineMove } from './move/machine-move.ts'
import type { Sessions } from './mqtt/sessions.ts'
import { type DeadLetters, deadLetters } from './pipeline/dead-letters.ts'
import { type EventFeed, eventFeed } from './pipeline/event-feed.ts'
import { HeldClaims } from './pipeline/held-claims.ts'
import { type Journal, openJournal } from './pipeline/journal.ts'
import { type KeptOutcomes, keptOutcomes } from './pipeline/kept-outcomes.ts'
import { Pipeline } from './pipeline/pipeline.ts'
import { roomOf, withinRoom } from './pipeline/spare-room.ts'
import type { Settings } from './settings.ts'
import type { Store } from './store/store.ts'
import type { Trust } from './trust/trust.ts'

/** What everything in the process shares. */
export interface World {
  readonly folder: string
  readonly settings: Settings
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
}

/** Everything behind the servers. */
export interface Inside {
  readonly store: Store
  readonly trust: Trust
  readonly sessions: Sessions
  readonly ring: TokenKeyRing
  /** Only the slots that come from accept: anything else in the file counts as absent. */
  readonly pending: PendingNotifications
  readonly journal: Journal
  readonly pipeline: Pipeline
  readonly deadLetters: DeadLetters
  readonly isGenuine: IsGenuine
  readonly metrics: Metrics
  readonly outcomes: KeptOutcomes
  readonly broadcasts: BroadcastOutcomes
  readonly events: EventFeed
  readonly move: MachineMove
  /** Provider certificates that have been read. */
  readonly certificates: CertificateCache
  /** What is wrong with the service, as a sentence; undefined when nothing is. */
  problem(): string | undefined
}

/** How many slots are tried at a time. */
const MOST_DRAINS = 1_000

/**
 * The store and what works on it; resolves once it has started to work on what an earlier process
 * accepted.
 */
export async function openInside(
  world: World,
  parts: Pick<Inside, 'store' | 'trust' | 'sessions'>,
): Promise<Inside> {
  const { store, sessions } = parts
  const { clock, ids, settings, log } = world
  const { ring } = store
  // this server never wrote notifications without a seal, so it accepts none
  const isGenuine = genuineBy(ring, clock, 0)
  const pending = genuineReads(store.pending, isGenuine)
  const letters = deadLetters(store.environment)
  const measured = metrics({
    devices: () => sessions.count,
    open: () => pipeline.open,
    waitingSlots: () => pipeline.waitingSlots,
    journalBytes: () => journal.bytes,
    deadLetters: () => letters.count(),
    subscriptions: () => sessions.channels.subscriptions,
    broadcastsWaiting: () => sessions.channels.waiting,
  })
  const events = eventFeed(settings.events)
  const heard = events.heard(
    settings.logOutcomes ? loggedToo(measured.outcomes, log) : measured.outcomes,
  )
  const spared = withinRoom(store.receipts, () => roomOf(world.folder))
  const outcomes = keptOutcomes(heard, spared, settings.receipts, log)
  const journal = await openJournal({
    folder: join(world.folder, 'journal'),
    onWrite: measured.journalWrite,
  })
  const pipeline = new Pipeline({
    ports: {
      ...{ clock, connections: sessions, outcomes, silence: silence(settings.mostDevices) },
      ...{ pending, registrations: store.registrations, feedback: store.feedback },
      patienceMs: settings.deliverPatienceSeconds * 1_000,
    },
    claims: new HeldClaims(store.claims, clock),
    ...{ journal, isGenuine, log, durability: settings.durability },
    mostOpen: settings.mostNotificationsUnderWay,
    mostDrains: MOST_DRAINS,
    chance: () => (ids.bytes(1)[0] ?? 0) / 256,
    keepDeadLetter: (notification) => letters.keep(notification),
  })
  const move = new MachineMove({
    ...{ clock, log, sessions, pipeline, deadLetters: letters },
    ...{ moves: store.moves, devices: store.devices },
  })
  await takeUp(journal, pipeline, move, log)
  const broadcasts = settings.logOutcomes
    ? loggedBroadcasts(measured.broadcasts, log)
    : measured.broadcasts
  const metricsAndOutcomes = { metrics: measured, outcomes, broadcasts, events }
  const isFull = () => pipeline.open >= settings.mostNotificationsUnderWay
  return {
    ...parts,
    ...{ ring, pending, journal, pipeline, deadLetters: letters, isGenuine },
    ...metricsAndOutcomes,
    move,
    certificates: new Map(),
    problem: () => {
      if (journal.problem !== undefined) return journal.problem
      if (move.isClosed)
        return 'the service is on its way to another place: no more notifications are accepted'
      return isFull() ? 'too many notifications are in progress: no more are accepted' : undefined
    },
  }
}

async function takeUp(
  { left, done }: Pick<Journal, 'left' | 'done'>,
  pipeline: Pipeline,
  { isClosed }: MachineMove,
  log: Log,
): Promise<void> {
  // before it closed all had come to their end: these are lines that a crash has left
  if (isClosed) for (const { seq } of left) done(seq)
  else await pipeline.resume(left)
  if (left.length > 0 && !isClosed)
    log.info('notifications of an earlier process are resumed', { count: left.length })
}

function genuineReads(slots: PendingNotifications, isGenuine: IsGenuine): PendingNotifications {
  async function genuineOf(all: readonly Notification[]): Promise<readonly Notification[]> {
    const genuine = await Promise.all(all.map(isGenuine))
    return all.filter((_, at) => genuine[at])
  }

  return {
    put: slots.put,
    remove: slots.remove,
    async find(deviceId, name) {
      const slot = await slots.find(deviceId, name)
      return slot && (await isGenuine(slot)) ? slot : undefined
    },
    list: async (deviceId) => genuineOf(await slots.list(deviceId)),
    listOf: async (deviceId, topic) => genuineOf(await slots.listOf(deviceId, topic)),
  }
}

function loggedToo(outcomes: Outcomes, log: Log): Outcomes {
  const record = (outcome: Outcome) => {
    outcomes.record(outcome)
    const { kind, ...fields } = outcome
    log.info(`notification ${kind}`, { outcome: kind, ...fields })
  }
  return {
    record,
    recordTogether: (some) => {
      for (const outcome of some) record(outcome)
    },
  }
}

function loggedBroadcasts(outcomes: BroadcastOutcomes, log: Log): BroadcastOutcomes {
  return {
    record(outcome) {
      outcomes.record(outcome)
      const { kind, ...fields } = outcome
      log.info(`broadcast ${kind}`, { broadcast: kind, ...fields })
    },
  }
}
