import { discardReasons } from '@heliograph/protocol/outcome'
import type { OverviewPart } from 'heliograph/console/api'
import { Button } from '../../parts/button.tsx'
import { Chart } from '../../parts/chart.tsx'
import { outcomeWords } from '../../parts/outcomes.ts'
import { Card } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { count, figure, percent } from '../../words/numbers.ts'
import { duration } from '../../words/times.ts'
import type { PartState } from './part-state.ts'
import { PartView } from './part-view.tsx'

type Stats = Extract<OverviewPart, { part: 'rates' }>['value']
type TopicStats = Stats['topics'][number]

/** What became of notifications, and how long they took to the device. */
export function Rates(props: {
  readonly of: PartState<'rates'> | undefined
  readonly topic: string | undefined
  readonly onTopic: (topic: string | undefined) => void
}) {
  const { of, topic, onTopic } = props
  return (
    <Card
      title={topic === undefined ? 'Notifications' : `Notifications of ${topic}`}
      actions={
        topic !== undefined && (
          <Button size="small" onClick={() => onTopic(undefined)}>
            All topics
          </Button>
        )
      }
      flush
    >
      <PartView of={of} what="the figures">
        {(stats) => (
          <>
            <Figures topics={stats.topics} />
            <div class="card-body">
              <RateChart topics={stats.topics} />
              {stats.note && <p class="soft small">{stats.note}</p>}
            </div>
            <Topics topics={stats.topics} onTopic={onTopic} />
          </>
        )}
      </PartView>
    </Card>
  )
}

function sum(topics: readonly TopicStats[], kind: keyof TopicStats['counts']): number {
  return topics.reduce((all, { counts }) => all + counts[kind], 0)
}

function Figures({ topics }: { readonly topics: readonly TopicStats[] }) {
  const received = sum(topics, 'accepted')
  const ends = [
    ['Delivered at once', sum(topics, 'delivered')],
    ['Delivered from storage', sum(topics, 'drained')],
    ['Put into storage', sum(topics, 'stored')],
  ] as const
  const lost = discardReasons.map((reason) => [reason, sum(topics, reason)] as const)
  const discarded = lost.reduce((all, [, one]) => all + one, 0)
  const why = lost.filter(([, one]) => one > 0)
  return (
    <dl class="figures">
      <div class="figure">
        <dt>Accepted</dt>
        <dd>{figure(received)}</dd>
      </div>
      {ends.map(([name, one]) => (
        <div class="figure" key={name}>
          <dt>{name}</dt>
          <dd>{figure(one)}</dd>
          <dd class="figure-note">{percent(one, received)} of accepted</dd>
        </div>
      ))}
      <div class="figure">
        <dt>Discarded</dt>
        <dd>{figure(discarded)}</dd>
        {why.map(([reason, one]) => (
          <dd class="figure-note" key={reason}>
            {count(one)} {outcomeWords[reason].title.toLowerCase()}
          </dd>
        ))}
      </div>
    </dl>
  )
}

function RateChart({ topics }: { readonly topics: readonly TopicStats[] }) {
  const parts = new Map<number, { received: number; delivered: number }>()
  for (const { at, received, delivered } of topics.flatMap((one) => one.parts)) {
    const part = parts.get(at) ?? { received: 0, delivered: 0 }
    parts.set(at, { received: part.received + received, delivered: part.delivered + delivered })
  }
  const sorted = [...parts].sort(([a], [b]) => a - b)
  const received = sorted.map(([, part]) => part.received)
  const delivered = sorted.map(([, part]) => part.delivered)
  const total = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0)
  return (
    <Chart
      label={`Line chart: ${count(total(received))} notifications accepted and ${count(total(delivered))} delivered over this time. The figures are below.`}
      times={sorted.map(([at]) => at)}
      lines={[
        { name: 'Accepted', values: received },
        { name: 'Delivered', values: delivered },
      ]}
    />
  )
}

const OTHERS = 'other'

function Topics(props: {
  readonly topics: readonly TopicStats[]
  readonly onTopic: (topic: string) => void
}) {
  const time = (ms: number | undefined) => (ms === undefined ? '–' : duration(ms))
  return (
    <Table
      caption="By topic, with the time from acceptance to the device’s acknowledgement"
      rows={props.topics}
      keyOf={({ topic }) => topic}
      columns={[
        {
          title: 'Topic',
          cell: ({ topic }) =>
            topic === OTHERS || props.topics.length === 1 ? (
              <span class="mono">{topic}</span>
            ) : (
              <a
                class="mono"
                href={`?topic=${encodeURIComponent(topic)}`}
                onClick={(event) => {
                  event.preventDefault()
                  props.onTopic(topic)
                }}
              >
                {topic}
              </a>
            ),
        },
        { title: 'Accepted', align: 'end', cell: ({ counts }) => count(counts.accepted) },
        {
          title: 'Delivered',
          align: 'end',
          cell: ({ counts }) => count(counts.delivered + counts.drained),
        },
        { title: 'Time to device, median', align: 'end', cell: ({ online }) => time(online?.p50) },
        { title: '99 %', align: 'end', cell: ({ online }) => time(online?.p99) },
      ]}
    />
  )
}
