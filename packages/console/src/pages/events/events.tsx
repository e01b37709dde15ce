import { announcedOutcomes } from '@heliograph/protocol/outcome'
import type { Streams } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { type Stream, useStream } from '../../data/use-stream.ts'
import { Button } from '../../parts/button.tsx'
import { CheckField, Form, TextField } from '../../parts/field.tsx'
import { Failed, Notice } from '../../parts/notice.tsx'
import { wordsOf } from '../../parts/outcomes.ts'
import { Card, Page } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { withQuery } from '../../routing/address.ts'
import { go } from '../../routing/place.ts'
import type { ViewProps } from '../../routing/view.ts'
import { count, plural } from '../../words/numbers.ts'
import { EventTable, type Heard } from './event-table.tsx'

type Announcement = Streams['GET /api/events']['events']['event']

/** As many as a person scrolls through; older ones are dropped. */
const KEPT = 500

export function EventsPage({ path, query }: ViewProps) {
  const topics = query.getAll('topic')
  const outcomes = query.getAll('outcome')
  const [paused, setPaused] = useState(false)
  const [round, setRound] = useState(0)
  const tail = useTail(topics, outcomes, paused, round)
  return (
    <Page
      title="Events"
      lead="What subscribers hear, as it happens."
      actions={
        <>
          <Button onClick={tail.clear}>Clear</Button>
          <Button
            kind="primary"
            icon={paused ? 'play' : 'pause'}
            onClick={() => setPaused((last) => !last)}
          >
            {paused ? 'Go on' : 'Pause'}
          </Button>
        </>
      }
    >
      <Filters
        topics={topics}
        outcomes={outcomes}
        onChange={(change) => go(withQuery(path, query, change))}
      />
      <TailState stream={tail.stream} paused={paused} heard={tail.total} ready={tail.ready} />
      {tail.stream.fault && (
        <Failed fault={tail.stream.fault} onRetry={() => setRound((last) => last + 1)} />
      )}
      {tail.missed > 0 && (
        <Notice tone="warn" live>
          {plural(tail.missed, 'event')} came faster than they could be read, and cannot be shown.
        </Notice>
      )}
      <Card flush>
        <EventTable heard={tail.heard} />
      </Card>
    </Page>
  )
}

function useTail(
  topics: readonly string[],
  outcomes: readonly string[],
  paused: boolean,
  round: number,
) {
  const [heard, setHeard] = useState<readonly Heard[]>([])
  const [counts, setCounts] = useState({ total: 0, missed: 0 })
  const [ready, setReady] = useState(false)
  const query = { topic: [...topics], outcome: [...outcomes] }
  const hear = (event: Announcement) => {
    setCounts((last) => ({ ...last, total: last.total + 1 }))
    setHeard((last) => [{ place: (last[0]?.place ?? 0) + 1, event }, ...last].slice(0, KEPT))
  }
  const hearers = {
    ready: () => setReady(true),
    event: hear,
    missed: ({ count: some }: { count: number }) =>
      setCounts((last) => ({ ...last, missed: last.missed + some })),
  }
  const stream = useStream('GET /api/events', paused ? undefined : { query }, hearers, round)
  const clear = () => {
    setHeard([])
    setCounts({ total: 0, missed: 0 })
  }
  return { heard, ...counts, ready, stream, clear }
}

function TailState(props: {
  readonly stream: Stream
  readonly paused: boolean
  readonly heard: number
  readonly ready: boolean
}) {
  const { stream, paused, heard, ready } = props
  const listening = stream.state === 'open' && ready
  return (
    <p class="tail-state">
      <span role="status">
        {paused && <State tone="plain">Paused: what happens now is not heard</State>}
        {listening && (
          <State tone="good" icon="live">
            Listening
          </State>
        )}
        {!paused && !listening && stream.state !== 'failed' && (
          <State tone="plain" icon="clock">
            Getting ready
          </State>
        )}
      </span>
      <span class="soft">
        {count(heard)} heard{heard > KEPT && `, the last ${KEPT} shown`}
      </span>
    </p>
  )
}

const outcomeNames = [...announcedOutcomes, 'dead-token'] as const

function Filters(props: {
  readonly topics: readonly string[]
  readonly outcomes: readonly string[]
  readonly onChange: (change: { topic?: readonly string[]; outcome?: readonly string[] }) => void
}) {
  const { topics, outcomes, onChange } = props
  const [text, setText] = useState(topics.join(' '))
  const submit = () => onChange({ topic: text.split(/[\s,]+/).filter((one) => one !== '') })
  const toggle = (name: string, on: boolean) =>
    onChange({ outcome: on ? [...outcomes, name] : outcomes.filter((one) => one !== name) })
  const chosen = topics.length + outcomes.length > 0
  return (
    <details open={chosen}>
      <summary>
        Filter: {chosen ? [...topics, ...outcomes].join(', ') : 'everything is shown'}
      </summary>
      <Card>
        <Form class="search" onSubmit={submit} label="Topics">
          <TextField
            label="Topics"
            value={text}
            onInput={setText}
            mono
            hint="Several with spaces between them; none for all"
          />
          <Button type="submit">Apply</Button>
        </Form>
        <fieldset class="field">
          <legend class="label">Outcomes</legend>
          <div class="outcomes">
            {outcomeNames.map((name) => (
              <CheckField
                key={name}
                label={name === 'dead-token' ? 'Dead token' : wordsOf(name).title}
                checked={outcomes.includes(name)}
                onChange={(on) => toggle(name, on)}
              />
            ))}
          </div>
          <p class="field-hint">None chosen means all.</p>
        </fieldset>
      </Card>
    </details>
  )
}
