import type { DeadLetterQueue, DeadLetterView, Job } from 'heliograph/console/api'
import { useEffect, useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { useAct } from '../../data/use-act.ts'
import { useLoaded } from '../../data/use-loaded.ts'
import { Button } from '../../parts/button.tsx'
import { Dangerous } from '../../parts/dangerous.tsx'
import { Failed, Notice } from '../../parts/notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Empty, View } from '../../parts/view.tsx'
import { addressOf, withQuery } from '../../routing/address.ts'
import { go } from '../../routing/place.ts'
import type { ViewProps } from '../../routing/view.ts'
import { plural } from '../../words/numbers.ts'
import { JobCard } from './job.tsx'

const FEW = 20
const MANY = 1000

/** One queue: its letters, and what can be done with them. */
export function QueuePage({ name, path, query }: ViewProps & { readonly name: string }) {
  const limit = query.get('limit') === String(MANY) ? MANY : FEW
  const loaded = useLoaded('GET /api/dead-letters/:queue', {
    params: { queue: name },
    query: { limit: String(limit) },
  })
  const [job, setJob] = useJob(name)
  const { value, reload } = loaded
  return (
    <Page
      title={`Dead letters: ${name}`}
      lead={<a href="/dead-letters">All queues</a>}
      actions={
        <>
          <Button icon="refresh" busy={loaded.busy} onClick={reload}>
            Read again
          </Button>
          {value && value.queue.waiting > 0 && <DropAll queue={value.queue} onJob={setJob} />}
        </>
      }
    >
      {value && (
        <Notice tone="plain">
          <p>{value.queue.about}</p>
          <p>{value.queue.advice}</p>
          {value.queue.redrivable && value.queue.waiting > 0 && (
            <Redrive queue={value.queue} onJob={setJob} />
          )}
        </Notice>
      )}
      {job && <JobCard job={job} key={job.id} onEnd={reload} />}
      <Card flush>
        <View of={loaded} what="the letters">
          {({ queue, letters }) => (
            <>
              <Letters queue={queue} letters={letters} onJob={setJob} />
              {queue.waiting > letters.length && limit === FEW && letters.length > 0 && (
                <div class="card-body">
                  <div class="actions">
                    <span class="soft">
                      The first {letters.length} of about {plural(queue.waiting, 'letter')}.
                    </span>
                    <Button onClick={() => go(withQuery(path, query, { limit: String(MANY) }))}>
                      Show up to {MANY}
                    </Button>
                  </div>
                </div>
              )}
            </>
          )}
        </View>
      </Card>
    </Page>
  )
}

/** The job of this queue: what was begun here, or before the page was loaded. */
function useJob(queue: string) {
  const [job, setJob] = useState<Job>()
  const { value } = useLoaded('GET /api/jobs', {})
  useEffect(() => {
    const running = value?.jobs.find(
      (one) => one.queue === queue && (one.state === 'running' || one.state === 'cancelling'),
    )
    if (running) setJob((last) => last ?? running)
  }, [value, queue])
  return [job, setJob] as const
}

interface QueueAct {
  readonly queue: DeadLetterQueue
  readonly onJob: (job: Job) => void
}

function Redrive({ queue, onJob }: QueueAct) {
  const act = useAct(async () => {
    const params = { queue: queue.name }
    onJob(await call('POST /api/dead-letters/:queue/redrive', { params, body: {} }))
  })
  return (
    <>
      <Button kind="primary" busy={act.busy} onClick={() => void act.run()}>
        Hand all over once more
      </Button>
      {act.fault && <Failed fault={act.fault} />}
    </>
  )
}

function DropAll({ queue, onJob }: QueueAct) {
  return (
    <Drop
      queue={queue}
      onJob={onJob}
      button="Delete all"
      title={`Delete ${plural(queue.waiting, 'letter')} for good?`}
    />
  )
}

function Drop(
  props: QueueAct & {
    readonly button: string
    readonly title: string
    /** One letter instead of all. */
    readonly letter?: DeadLetterView
  },
) {
  const { queue, onJob, button, title, letter } = props
  return (
    <Dangerous
      button={button}
      {...(letter && { size: 'small' as const })}
      about={letter?.about}
      title={title}
      name={queue.name}
      nameOf="name of the queue"
      confirm={button}
      work={async (confirm) => {
        const params = { queue: queue.name }
        const body = { confirm, ...(letter && { messageId: letter.messageId }) }
        onJob(await call('POST /api/dead-letters/:queue/drop', { params, body }))
      }}
    >
      <p>{letter ? letter.about : 'What is in them is lost.'} This cannot be taken back.</p>
    </Dangerous>
  )
}

function Letters(props: QueueAct & { readonly letters: readonly DeadLetterView[] }) {
  const { queue, letters, onJob } = props
  if (letters.length === 0)
    return (
      <Empty icon="check" title={queue.waiting === 0 ? 'No dead letters' : 'No letter shows now'}>
        {queue.waiting === 0
          ? 'Nothing was given up. This is how it should be.'
          : 'Somebody may be reading them; they show again within a minute.'}
      </Empty>
    )
  return (
    <Table
      caption={`Letters of ${queue.name}`}
      rows={letters}
      keyOf={({ messageId }) => messageId}
      columns={[
        { title: 'About', cell: AboutCell },
        { title: 'Came', cell: ({ sentAt }) => <Time at={sentAt} /> },
        {
          title: 'Message',
          cell: ({ messageId }) => <span class="mono small">{messageId}</span>,
        },
        {
          title: 'Actions',
          actions: true,
          cell: (letter) => (
            <Drop
              {...{ queue, onJob, letter }}
              button="Delete"
              title="Delete this letter for good?"
            />
          ),
        },
      ]}
    />
  )
}

function AboutCell({ about, notification }: DeadLetterView) {
  if (!notification) return about
  const { uniqueId, topic, deviceId, id } = notification
  return (
    <div class="about">
      <span>{about}</span>
      <span class="small soft">
        <a href={addressOf(['notifications', uniqueId || id])}>What became of it</a> ·{' '}
        <a href={addressOf(['devices', deviceId])}>Device {deviceId}</a> · {topic}
      </span>
    </div>
  )
}
