import type { Streams } from 'heliograph/console/api'
import { wordsOf } from '../../parts/outcomes.ts'
import { State } from '../../parts/state.tsx'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Empty } from '../../parts/view.tsx'
import { addressOf } from '../../routing/address.ts'
import { duration } from '../../words/times.ts'

type Announcement = Streams['GET /api/events']['events']['event']

export interface Heard {
  /** Its number, so that a row keeps its place while others come before it. */
  readonly place: number
  readonly event: Announcement
}

export function EventTable({ heard }: { readonly heard: readonly Heard[] }) {
  if (heard.length === 0)
    return (
      <Empty icon="live" title="Nothing heard yet">
        Events show here while this view is open. <a href="/send">Send a notification</a> in another
        tab to see one.
      </Empty>
    )
  return (
    <Table
      caption="Events, the newest first"
      rows={heard}
      keyOf={({ place }) => String(place)}
      columns={[
        { title: 'Time', cell: ({ event }) => <Time at={event.at} precise brief /> },
        { title: 'Outcome', cell: ({ event }) => outcomeOf(event) },
        { title: 'Topic', cell: ({ event }) => <span class="mono">{event.topic}</span> },
        { title: 'About', cell: ({ event }) => aboutOf(event) },
        { title: 'After', align: 'end', cell: ({ event }) => ageOf(event) },
      ]}
    />
  )
}

function outcomeOf(event: Announcement) {
  if (event.type === 'token') return <State tone="bad">Dead token: {event.reason}</State>
  const { title, tone, icon } = wordsOf(event.outcome)
  return (
    <State tone={tone} icon={icon}>
      {title}
    </State>
  )
}

function aboutOf(event: Announcement) {
  const [part, id] =
    event.type === 'token' ? ['tokens', event.token] : ['notifications', event.uniqueId]
  return (
    <a class="mono small" href={addressOf([part, id])}>
      {id.length > 36 ? `${id.slice(0, 16)}…` : id}
    </a>
  )
}

function ageOf(event: Announcement) {
  return event.type === 'notification' ? duration(event.age) : '–'
}
