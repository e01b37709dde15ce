import type { Job } from 'heliograph/console/api'
import { useEffect, useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { useAct } from '../../data/use-act.ts'
import { useStream } from '../../data/use-stream.ts'
import { Button } from '../../parts/button.tsx'
import { Failed, type Tone } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { count, plural } from '../../words/numbers.ts'

const titles = { redrive: 'Handing letters over', drop: 'Deleting letters' } as const

const states = {
  running: ['plain', 'Under way'],
  cancelling: ['warn', 'Stopping after this step'],
  done: ['good', 'Done'],
  cancelled: ['warn', 'Stopped'],
  failed: ['bad', 'Failed'],
} as const satisfies Record<Job['state'], readonly [Tone, string]>

/** Long work: how far it is, and a way to stop it. What was done stays done. */
export function JobCard(props: { readonly job: Job; readonly onEnd: () => void }) {
  const { onEnd } = props
  const [job, setJob] = useState(props.job)
  const params = { id: job.id }
  const stream = useStream('GET /api/jobs/:id/events', { params }, { job: setJob })
  const cancel = useAct(async () => {
    const asked = await call('POST /api/jobs/:id/cancel', { params, body: {} })
    // the stream may have told of the end before this answer
    setJob((last) => (last.endedAt === undefined ? asked : last))
  })
  const ended = job.endedAt !== undefined
  // once, when it has ended
  useEffect(() => {
    if (ended) onEnd()
  }, [ended])
  const [tone, text] = states[job.state]
  return (
    <Card
      title={titles[job.kind]}
      actions={
        job.state === 'running' && (
          <Button size="small" busy={cancel.busy} onClick={() => void cancel.run()}>
            Cancel
          </Button>
        )
      }
    >
      <p role="status">
        <State tone={tone} {...(job.state === 'running' && { icon: 'clock' as const })}>
          {text}
        </State>
        : {progressText(job)}
      </p>
      {!ended && <Bar {...job} />}
      {job.error && <Failed fault={job.error} />}
      {stream.fault && <Failed fault={stream.fault} />}
      {cancel.fault && <Failed fault={cancel.fault} />}
    </Card>
  )
}

function Bar({ total, done, left }: Job) {
  const known = total !== undefined && total > 0
  return (
    <progress
      aria-label="Progress"
      {...(known && { max: total, value: Math.min(done + left, total) })}
    />
  )
}

function progressText({ kind, done, left, total }: Job): string {
  const verb = kind === 'redrive' ? 'handed over' : 'deleted'
  const all =
    total === undefined
      ? plural(done, 'letter')
      : `${count(done)} of about ${plural(total, 'letter')}`
  const rest = left === 0 ? '' : `; ${count(left)} cannot be, and ${left === 1 ? 'stays' : 'stay'}`
  return `${all} ${verb}${rest}.`
}
