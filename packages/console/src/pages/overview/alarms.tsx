import type { AlarmState } from 'heliograph/console/api'
import { Notice } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { plural } from '../../words/numbers.ts'
import type { PartState } from './part-state.ts'
import { PartView } from './part-view.tsx'

const states = {
  ok: ['good', 'Quiet'],
  alarm: ['bad', 'Ringing'],
  unknown: ['plain', 'No data yet'],
} as const

/** Those that ring come first and say what to do; the others can be unfolded. */
export function Alarms({ of }: { readonly of: PartState<'alarms'> | undefined }) {
  return (
    <PartView of={of} what="the alarms">
      {({ alarms, note }) => {
        const ringing = alarms.filter(({ state }) => state === 'alarm')
        const others = alarms.filter(({ state }) => state !== 'alarm')
        return (
          <section class="stack" aria-label="Alarms">
            {ringing.map((alarm) => (
              <Ringing alarm={alarm} key={alarm.name} />
            ))}
            <Others others={others} all={alarms.length} />
            {note && <p class="soft">{note}</p>}
          </section>
        )
      }}
    </PartView>
  )
}

function Ringing({ alarm: { name, since, description } }: { readonly alarm: AlarmState }) {
  return (
    <Notice tone="bad">
      <p>
        <strong>Alarm: {name}</strong>
        {since !== undefined && (
          <>
            {' '}
            since <Ago at={since} />
          </>
        )}
      </p>
      <p>{description}</p>
    </Notice>
  )
}

function Others({ others, all }: { readonly others: readonly AlarmState[]; readonly all: number }) {
  if (others.length === 0) return null
  const text =
    others.length === all
      ? `None of ${plural(all, 'alarm')} is ringing`
      : `${plural(others.length, 'other alarm')} not ringing`
  return (
    <details>
      <summary>{others.length === all ? <State tone="good">{text}</State> : text}</summary>
      <Card flush>
        <Table
          caption="Alarms that do not ring"
          rows={others}
          keyOf={({ name }) => name}
          columns={[
            { title: 'Alarm', cell: ({ name }) => name },
            {
              title: 'State',
              cell: ({ state }) => <State tone={states[state][0]}>{states[state][1]}</State>,
            },
            {
              title: 'Since',
              cell: ({ since }) => (since === undefined ? '–' : <Ago at={since} />),
            },
            { title: 'What it means', cell: ({ description }) => description },
          ]}
        />
      </Card>
    </details>
  )
}
