import type { QueueState } from 'heliograph/console/api'
import { Card } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { addressOf } from '../../routing/address.ts'
import { count, figure } from '../../words/numbers.ts'
import { duration } from '../../words/times.ts'
import type { PartState } from './part-state.ts'
import { PartView } from './part-view.tsx'

/** What waits now. */
export function Queues({ of }: { readonly of: PartState<'queues'> | undefined }) {
  return (
    <Card title="Queues" flush>
      <PartView of={of} what="the queues">
        {({ queues }) => (
          <Table
            caption="Queues"
            narrow
            rows={queues}
            keyOf={({ name, kind }) => `${kind} ${name}`}
            columns={[
              { title: 'Queue', cell: nameOf },
              { title: 'Waiting', align: 'end', cell: ({ waiting }) => count(waiting) },
              {
                title: 'In work',
                align: 'end',
                cell: ({ inFlight }) => (inFlight === undefined ? '–' : count(inFlight)),
              },
              {
                title: 'Oldest',
                align: 'end',
                cell: ({ oldestSeconds: age }) => (age === undefined ? '–' : duration(age * 1_000)),
              },
            ]}
          />
        )}
      </PartView>
    </Card>
  )
}

function nameOf({ name, kind }: QueueState) {
  if (kind === 'work') return name
  return <a href={addressOf(['dead-letters', name])}>Dead letters: {name}</a>
}

export function Devices({ of }: { readonly of: PartState<'devices'> | undefined }) {
  return (
    <Card title="Connected devices">
      <PartView of={of} what="the devices">
        {({ connected, note }) => (
          <>
            {connected !== undefined && <p class="big-figure number">{figure(connected)}</p>}
            {note && <p class="soft">{note}</p>}
            <p>
              <a href="/devices">See the devices</a>
            </p>
          </>
        )}
      </PartView>
    </Card>
  )
}
