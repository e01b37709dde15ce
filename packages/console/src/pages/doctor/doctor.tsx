import type { Finding } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { type StreamState, useStream } from '../../data/use-stream.ts'
import { Button } from '../../parts/button.tsx'
import { Failed, sentence } from '../../parts/notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { plural } from '../../words/numbers.ts'

interface Examination {
  readonly checks: readonly string[]
  readonly found: Readonly<Record<string, readonly Finding[]>>
}

const nothing: Examination = { checks: [], found: {} }

/** Examines the deployment; each check says what it found as soon as it has. */
export function DoctorPage() {
  const [round, setRound] = useState(0)
  const [{ checks, found }, setExamination] = useState(nothing)
  const { state, fault } = useStream(
    'GET /api/doctor',
    {},
    {
      begin: (begun) => setExamination({ checks: begun.checks, found: {} }),
      finding: ({ check, findings }) =>
        setExamination((last) => ({ ...last, found: { ...last.found, [check]: findings } })),
    },
    round,
  )
  const again = () => {
    setExamination(nothing)
    setRound((last) => last + 1)
  }
  const running = state === 'opening' || state === 'open' || state === 'lost'
  return (
    <Page
      title="Doctor"
      lead="Examines the deployment from end to end, and changes nothing."
      actions={
        <Button icon="refresh" busy={running} onClick={again}>
          Examine again
        </Button>
      }
    >
      {fault && <Failed fault={fault} onRetry={again} />}
      <Summary findings={Object.values(found).flat()} state={state} />
      {checks.length > 0 ? (
        <Card flush>
          <ul class="findings">
            {namesOf(checks, found).map((check) => (
              <CheckRow check={check} findings={found[check]} running={running} key={check} />
            ))}
          </ul>
        </Card>
      ) : (
        running && <Waiting what="the deployment" />
      )}
    </Page>
  )
}

/** The checks that were named, and any that only their findings name. */
function namesOf(checks: readonly string[], found: Examination['found']): readonly string[] {
  return [...new Set([...checks, ...Object.keys(found)])]
}

function Summary(props: { readonly findings: readonly Finding[]; readonly state: StreamState }) {
  const { findings, state } = props
  const problems = findings.filter((one) => one.state === 'problem').length
  const warnings = findings.filter((one) => one.state === 'warning').length
  return (
    <p role="status">
      {state === 'ended' && problems === 0 && warnings === 0 && (
        <State tone="good">All is well</State>
      )}
      {problems > 0 && <State tone="bad">{plural(problems, 'problem')}</State>}{' '}
      {warnings > 0 && <State tone="warn">{plural(warnings, 'warning')}</State>}
      {state !== 'ended' && state !== 'failed' && problems + warnings === 0 && (
        <span class="soft">Examining…</span>
      )}
    </p>
  )
}

const words = {
  ok: ['good', 'Well'],
  warning: ['warn', 'Warning'],
  problem: ['bad', 'Problem'],
} as const

function CheckRow(props: {
  readonly check: string
  readonly findings: readonly Finding[] | undefined
  readonly running: boolean
}) {
  const { check, findings, running } = props
  return (
    <li class="finding">
      <h2>{check}</h2>
      <ul>
        {findings?.map(({ check: about, state, detail }) => (
          <li class="finding-detail" key={`${about} ${detail}`}>
            <State tone={words[state][0]}>{words[state][1]}</State>
            <span>
              {about !== check && <strong>{about}: </strong>}
              {sentence(detail)}
            </span>
          </li>
        ))}
        {!findings && (
          <li>
            {running ? (
              <State tone="plain" icon="clock">
                Under way
              </State>
            ) : (
              <State tone="plain">Not examined</State>
            )}
          </li>
        )}
      </ul>
    </li>
  )
}
