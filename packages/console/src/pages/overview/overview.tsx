import { useEffect, useState } from 'preact/hooks'
import { type StreamState, useStream } from '../../data/use-stream.ts'
import { useVisible } from '../../data/use-visible.ts'
import { Choices } from '../../parts/field.tsx'
import { Page } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { withQuery } from '../../routing/address.ts'
import { go } from '../../routing/place.ts'
import type { ViewProps } from '../../routing/view.ts'
import { Alarms } from './alarms.tsx'
import { Devices, Queues } from './now.tsx'
import type { Parts } from './part-state.ts'
import { Rates } from './rates.tsx'

const spans = [
  ['3600', '1 hour'],
  ['86400', '24 hours'],
  ['604800', '7 days'],
] as const

const DEFAULT_SPAN = '3600'

export function OverviewPage({ path, query }: ViewProps) {
  const since = spans.find(([value]) => value === query.get('since'))?.[0] ?? DEFAULT_SPAN
  const topic = query.get('topic') ?? undefined
  const { parts, state } = useParts(since, topic)
  const choose = (change: { since?: string; topic?: string | undefined }) =>
    go(withQuery(path, query, change))
  return (
    <Page
      title="Overview"
      actions={
        <>
          <Live state={state} />
          <Choices
            label="Time"
            value={since}
            options={spans}
            onChange={(value) => choose({ since: value })}
          />
        </>
      }
    >
      <Alarms of={parts.alarms} />
      <Rates of={parts.rates} topic={topic} onTopic={(value) => choose({ topic: value })} />
      <div class="columns" data-shape="wide">
        <Queues of={parts.queues} />
        <Devices of={parts.devices} />
      </div>
    </Page>
  )
}

function useParts(since: string, topic: string | undefined) {
  const [parts, setParts] = useState<Parts>({})
  // figures for another time or topic are not the ones asked for
  useEffect(() => setParts(({ rates: _, ...others }) => others), [since, topic])
  const visible = useVisible()
  const input = visible ? { query: { since, ...(topic && { topic }) } } : undefined
  const { state } = useStream('GET /api/overview/live', input, {
    part: (part) => setParts((last) => ({ ...last, [part.part]: { part } })),
    failed: ({ part, error }) =>
      setParts((last) => ({ ...last, [part]: { ...last[part], fault: error } })),
  })
  return { parts, state }
}

function Live({ state }: { readonly state: StreamState }) {
  return (
    <span role="status">
      {state === 'open' && (
        <State tone="good" icon="live">
          Live
        </State>
      )}
      {state === 'lost' && (
        <State tone="warn" icon="refresh">
          Connecting again
        </State>
      )}
    </span>
  )
}
