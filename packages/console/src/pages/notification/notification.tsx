import type { Endpoints } from 'heliograph/console/api'
import { useLoaded } from '../../data/use-loaded.ts'
import { Button } from '../../parts/button.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Notice } from '../../parts/notice.tsx'
import { wordsOf } from '../../parts/outcomes.ts'
import { Card, Page } from '../../parts/page.tsx'
import { Search } from '../../parts/search.tsx'
import { State } from '../../parts/state.tsx'
import { Facts } from '../../parts/table.tsx'
import { Timeline, type TimelineEvent } from '../../parts/timeline.tsx'
import { Empty, View } from '../../parts/view.tsx'
import { addressOf } from '../../routing/address.ts'
import { go } from '../../routing/place.ts'
import type { ViewProps } from '../../routing/view.ts'

type Receipt = Endpoints['GET /api/notifications/:id']['answer']['receipts'][number]

export function NotificationPage({ rest: [id] }: ViewProps) {
  const loaded = useLoaded(
    'GET /api/notifications/:id',
    id === undefined ? undefined : { params: { id } },
  )
  return (
    <Page
      title="Notification"
      lead="What became of a notification, by the apns-id of its answer or by its apns-unique-id."
      actions={
        id !== undefined && (
          <Button icon="refresh" busy={loaded.busy} onClick={loaded.reload}>
            Read again
          </Button>
        )
      }
    >
      <Search
        title="Find a notification"
        label="apns-id or apns-unique-id"
        button="Find"
        text={id ?? ''}
        find={goTo}
      />
      {id === undefined ? (
        <Card>
          <Empty icon="bell" title="No notification chosen">
            Every answer of the service has an apns-id. Enter it above, or{' '}
            <a href="/send">send one</a> and follow it.
          </Empty>
        </Card>
      ) : (
        <View of={loaded} what="the receipt">
          {({ receipts }) => receipts.map((one) => <ReceiptCard of={one} key={one.uniqueId} />)}
        </View>
      )}
    </Page>
  )
}

const goTo = (id: string) => {
  if (id === '') return 'Enter an id first.'
  go(addressOf(['notifications', id]))
  return undefined
}

function ReceiptCard({ of }: { readonly of: Receipt }) {
  const { title, tone, icon } = wordsOf(of.state)
  return (
    <div class="columns">
      <Card
        title={
          <State tone={tone} icon={icon}>
            {title}
          </State>
        }
      >
        {of.incomplete && (
          <Notice tone="warn">An outcome is missing: a crash kept it from being recorded.</Notice>
        )}
        <Timeline of={of.events.map(eventOf)} />
      </Card>
      <Card title="What it is">
        <ReceiptFacts of={of} />
      </Card>
    </div>
  )
}

function ReceiptFacts({ of }: { readonly of: Receipt }) {
  return (
    <Facts
      of={[
        { name: 'Topic', value: <span class="mono">{of.topic}</span> },
        {
          name: 'Device',
          value: (
            <a class="mono" href={addressOf(['devices', of.deviceId])}>
              {of.deviceId}
            </a>
          ),
        },
        { name: 'Push type', value: of.pushType },
        { name: 'Priority', value: String(of.priority) },
        { name: 'apns-id', value: <Copyable text={of.id} what="apns-id" /> },
        { name: 'apns-unique-id', value: <Copyable text={of.uniqueId} what="apns-unique-id" /> },
      ]}
    />
  )
}

function eventOf({ kind, at, age, repeat, replacedBy }: Receipt['events'][number]): TimelineEvent {
  const { title, tone, icon, text } = wordsOf(kind)
  return {
    ...{ title, tone, icon, at, age },
    text: (
      <>
        {text}
        {repeat && ' The queue had handed it out again; this repeats what was said before.'}
        {replacedBy !== undefined && (
          <>
            {' '}
            <a href={addressOf(['notifications', replacedBy])}>See the newer one</a>
          </>
        )}
      </>
    ),
  }
}
