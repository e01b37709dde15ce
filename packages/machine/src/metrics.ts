import type { Outcome } from '@heliograph/core/outcome'
import type { BroadcastOutcomes, Outcomes } from '@heliograph/core/ports'
import { outcomeKinds } from '@heliograph/protocol/outcome'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Read whenever someone asks for the metrics. */
export interface Readings {
  devices(): number
  open(): number
  waitingSlots(): number
  journalBytes(): number
  deadLetters(): number
  subscriptions(): number
  broadcastsWaiting(): number
}

export interface Metrics {
  readonly outcomes: Outcomes
  readonly broadcasts: BroadcastOutcomes
  answered(api: 'provider' | 'activation', status: number, tookMs: number): void
  journalWrite(tookMs: number, count: number): void
  /** In Prometheus's text format, with its content type. */
  text(): Promise<{ readonly type: string; readonly body: string }>
}

const SECOND_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500]

/**
 * Names and help texts; docs/one-machine.md and the Grafana dashboard have them, too. No label holds
 * what a stranger can choose, so that nobody can make the number of series grow.
 */
export function metrics(readings: Readings): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const outcomes = new Counter({
    name: 'heliograph_notifications_total',
    help: 'Events in the lives of notifications, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  // a series that does not exist yet looks like one that never counts
  const ofKind = new Map(outcomeKinds.map((kind) => [kind, outcomes.labels(kind)]))
  for (const one of ofKind.values()) one.inc(0)
  const broadcasts = broadcastCounter(registers)
  const age = new Histogram({
    name: 'heliograph_delivery_seconds',
    help: 'From acceptance to the device’s acknowledgement, of what was delivered directly',
    buckets: SECOND_BUCKETS,
    registers,
  })
  const requests = new Histogram({
    name: 'heliograph_request_seconds',
    help: 'From the first byte of a request to its answer',
    labelNames: ['api', 'status'],
    buckets: SECOND_BUCKETS,
    registers,
  })
  const journal = new Histogram({
    name: 'heliograph_journal_write_seconds',
    help: 'One write of the journal, its sync included',
    buckets: SECOND_BUCKETS,
    registers,
  })
  const batch = new Histogram({
    name: 'heliograph_journal_batch_notifications',
    help: 'Notifications that shared one write of the journal',
    buckets: BATCH_BUCKETS,
    registers,
  })
  // finding a series by its labels costs more than to observe
  const ofStatus = new Map<string, ReturnType<typeof requests.labels>>()
  gauges(readings, registers)
  const record = (outcome: Outcome) => {
    ofKind.get(outcome.kind)?.inc()
    if (outcome.kind === 'delivered') age.observe(outcome.age / 1_000)
  }
  return {
    outcomes: {
      record,
      recordTogether: (some) => {
        for (const outcome of some) record(outcome)
      },
    },
    broadcasts,
    answered(api, status, tookMs) {
      const key = `${api} ${status}`
      const known = ofStatus.get(key) ?? requests.labels(api, String(status))
      ofStatus.set(key, known)
      known.observe(tookMs / 1_000)
    },
    journalWrite(tookMs, count) {
      journal.observe(tookMs / 1_000)
      batch.observe(count)
    },
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  }
}

function broadcastCounter(registers: Registry[]): BroadcastOutcomes {
  const counter = new Counter({
    name: 'heliograph_broadcasts_total',
    help: 'Publishes to channels, by what became of them',
    labelNames: ['outcome'],
    registers,
  })
  const ofKind = { published: counter.labels('published'), refused: counter.labels('refused') }
  for (const one of Object.values(ofKind)) one.inc(0)
  return { record: ({ kind }) => ofKind[kind].inc() }
}

function gauges(readings: Readings, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('heliograph_devices_connected', 'Devices that are connected', () => readings.devices())
  gauge('heliograph_notifications_open', 'Notifications under way', () => readings.open())
  gauge('heliograph_slots_waiting', 'Slots that wait for another attempt', () =>
    readings.waitingSlots(),
  )
  gauge('heliograph_journal_bytes', 'Size of the journal', () => readings.journalBytes())
  gauge('heliograph_channel_subscriptions', 'Channels that connected devices have joined', () =>
    readings.subscriptions(),
  )
  gauge('heliograph_broadcasts_waiting', 'Publishes not yet sent to all who have joined', () =>
    readings.broadcastsWaiting(),
  )
  gauge('heliograph_dead_letters', 'Notifications that were given up', () => readings.deadLetters())
}
