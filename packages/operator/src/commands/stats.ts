import type {
  DeliveryTimes,
  Stats,
  StatsPart,
  TopicStats,
} from '@heliograph/core/stats/topic-stats'
import { discardReasons } from '@heliograph/protocol/outcome'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { readStats } from '../operations/stats.ts'
import { ageText, fields, type Report, spanText, table, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'
import { parseSpan } from '../values.ts'

interface StatsOptions {
  readonly topic?: readonly string[]
  readonly since: string
}

export function addStatsCommand(program: Command, run: Runner): void {
  program
    .command('stats')
    .description('what became of notifications, by topic')
    .option(
      '--topic <topic...>',
      'only these, with all figures (default: every topic that is counted)',
    )
    .option('--since <time>', 'of this long until now', '24h')
    .addHelpText('after', statsHelp)
    .action((options: StatsOptions, command: Command) =>
      run(command, (session) => stats(session, options)),
    )
}

const statsHelp = `
A stage on AWS counts the topics that it names (-c countedTopics=…), and all others
together as "other". One machine counts what it keeps receipts of.

Examples:
  heliograph stats
  heliograph stats --topic com.example.app --since 7d
  heliograph stats --json | jq '.topics[] | [.topic, .counts.accepted]'`

/** CloudWatch keeps metrics for 15 months; its answer for longer would be empty. */
const MOST_SECONDS = 455 * 24 * 3600
const LEAST_SECONDS = 60

async function stats(session: Session, { topic, since }: StatsOptions): Promise<Report> {
  const seconds = parseSpan('--since', since)
  if (seconds < LEAST_SECONDS || seconds > MOST_SECONDS)
    throw new Failure('usage', `--since takes a time from 60s to 455d, not "${since}"`)
  const value = await readStats(await session.deployment(), seconds, topic)
  return { value, text: topic ? detailed(value) : overview(value) }
}

function overview({ span, topics, note }: Stats): string {
  const columns = [
    'TOPIC',
    'RECEIVED',
    'DELIVERED',
    'FROM STORAGE',
    'STORED',
    'DISCARDED',
    'P50',
    'P99',
  ]
  const rows = topics.map((one) => [
    one.topic,
    ...countsOf(one),
    one.online && ageText(one.online.p50),
    one.online && ageText(one.online.p99),
  ])
  const received = topics.flatMap(({ parts }) => parts)
  return paragraphs([
    headOf(span, note),
    table(columns, rows),
    chartOf('received', received, 'received'),
  ])
}

function countsOf(one: TopicStats): readonly number[] {
  const { accepted, delivered, drained, stored } = one.counts
  return [accepted, delivered, drained, stored, discarded(one)]
}

function detailed({ span, topics, note }: Stats): string {
  const each = topics.flatMap((one) => [
    fields({
      topic: one.topic,
      received: one.counts.accepted,
      ...list('  by push type', one.pushTypes),
      ...list('  by priority', one.priorities),
      delivered: one.counts.delivered,
      'from storage': one.counts.drained,
      stored: one.counts.stored,
      discarded: discarded(one),
      ...list('  by reason', reasonsOf(one)),
    }),
    table(
      ['TIME TO THE DEVICE', 'P50', 'P90', 'P99'],
      [timesRow('online', one.online), timesRow('from storage', one.fromStorage)],
    ),
    `${chartOf('received', one.parts, 'received')}\n${chartOf('delivered', one.parts, 'delivered')}`,
  ])
  return paragraphs([headOf(span, note), ...each])
}

function headOf({ since, until }: Stats['span'], note: string | undefined): string {
  const head = `${timeText(since)} to ${timeText(until)}`
  return note ? `${head}\n${note}` : head
}

function discarded(one: TopicStats): number {
  return discardReasons.reduce((sum, reason) => sum + one.counts[reason], 0)
}

function reasonsOf({ counts }: TopicStats): Record<string, number> {
  const some = discardReasons.filter((reason) => counts[reason] > 0)
  return Object.fromEntries(some.map((reason) => [reason, counts[reason]]))
}

/** `alert: 12, background: 3`, the most frequent first; no field if there are none. */
function list(name: string, counts: Readonly<Record<string, number>>): Record<string, string> {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a)
  if (entries.length === 0) return {}
  return { [name]: entries.map(([what, count]) => `${what}: ${count}`).join(', ') }
}

function timesRow(way: string, times: DeliveryTimes | undefined) {
  if (!times) return [way]
  return [way, ...[times.p50, times.p90, times.p99].map((ms) => ageText(ms))]
}

const blocks = '▁▂▃▄▅▆▇█'

/** One column for each part of the time, as high as its share of the highest. */
function chartOf(
  title: string,
  parts: readonly StatsPart[],
  field: 'received' | 'delivered',
): string {
  const columns = new Map<number, number>()
  for (const { at, [field]: count } of parts) columns.set(at, (columns.get(at) ?? 0) + count)
  const counts = [...columns.values()]
  const highest = Math.max(0, ...counts)
  const [first = 0, second = first] = columns.keys()
  const bars = counts.map((count) => barOf(count, highest)).join('')
  return `${title.padEnd(9)}  ${bars}  at most ${highest} in ${spanText(second - first)}`
}

/** What is more than nothing shows. */
function barOf(count: number, highest: number): string {
  if (count === 0) return ' '
  return blocks[Math.ceil((count / highest) * blocks.length) - 1] ?? ' '
}

function paragraphs(parts: readonly string[]): string {
  return parts.join('\n\n')
}
