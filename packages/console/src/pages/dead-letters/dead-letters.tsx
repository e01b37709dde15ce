import type { DeadLetterQueue } from 'heliograph/console/api'
import { useLoaded } from '../../data/use-loaded.ts'
import { Button } from '../../parts/button.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { Table } from '../../parts/table.tsx'
import { View } from '../../parts/view.tsx'
import { addressOf } from '../../routing/address.ts'
import type { ViewProps } from '../../routing/view.ts'
import { count } from '../../words/numbers.ts'
import { QueuePage } from './queue.tsx'

export function DeadLettersPage(props: ViewProps) {
  const [queue] = props.rest
  return queue === undefined ? <QueueList /> : <QueuePage {...props} name={queue} />
}

function QueueList() {
  const loaded = useLoaded('GET /api/dead-letters', {})
  return (
    <Page
      title="Dead letters"
      lead="What the service gave up after all attempts. It is kept, and waits for you to look."
      actions={
        <Button icon="refresh" busy={loaded.busy} onClick={loaded.reload}>
          Read again
        </Button>
      }
    >
      <Card flush>
        <View of={loaded} what="the queues">
          {({ queues }) => <QueueTable queues={queues} />}
        </View>
      </Card>
    </Page>
  )
}

function QueueTable({ queues }: { readonly queues: readonly DeadLetterQueue[] }) {
  return (
    <Table
      caption="Queues of dead letters"
      rows={queues}
      keyOf={({ name }) => name}
      columns={[
        {
          title: 'Queue',
          cell: ({ name }) => <a href={addressOf(['dead-letters', name])}>{name}</a>,
        },
        {
          title: 'Letters',
          cell: ({ waiting }) =>
            waiting === 0 ? (
              <State tone="good">None</State>
            ) : (
              <State tone="bad">{count(waiting)}</State>
            ),
        },
        { title: 'What comes here', cell: ({ about }) => about },
      ]}
    />
  )
}
