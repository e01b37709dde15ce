import type { SendAnswer } from 'heliograph/console/api'
import { Code, Copyable } from '../../parts/copy.tsx'
import { Notice, sentence } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { Facts } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { addressOf } from '../../routing/address.ts'
import { blameTexts, retryTexts } from '../../words/explain.ts'
import { duration } from '../../words/times.ts'

/** The answer, what it means and what to do. */
export function AnswerCard({ answer }: { readonly answer: SendAnswer }) {
  const { status, reason, detail, explanation, id, uniqueId, timestamp, tookMs } = answer
  const accepted = status === 200
  return (
    <Card title="Answer">
      <Notice tone={accepted ? 'good' : 'bad'} live>
        <p>
          <strong>{accepted ? '200, accepted' : `${status} ${reason ?? ''}`}</strong>
        </p>
        <p>{explanation.meaning}</p>
        <p>{explanation.advice}</p>
        {explanation.retry && <p>{retryTexts[explanation.retry]}</p>}
      </Notice>
      <Facts
        of={[
          detail !== undefined && { name: 'In its own words', value: sentence(detail) },
          explanation.blame && { name: 'It lies with', value: blameTexts[explanation.blame] },
          timestamp !== undefined && { name: 'Token dead since', value: <Time at={timestamp} /> },
          { name: 'apns-id', value: <Copyable text={id} what="apns-id" /> },
          uniqueId !== undefined && {
            name: 'apns-unique-id',
            value: <Copyable text={uniqueId} what="apns-unique-id" />,
          },
          { name: 'Took', value: duration(tookMs) },
        ]}
      />
      {accepted && (
        <p>
          <a href={addressOf(['notifications', uniqueId ?? id])}>See what becomes of it</a>
        </p>
      )}
      <Sent request={answer.request} />
    </Card>
  )
}

function Sent({ request }: { readonly request: SendAnswer['request'] }) {
  const { method, url, headers, body } = request
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return (
    <details>
      <summary>What was sent</summary>
      <Code text={[`${method} ${url}`, ...head, '', body].join('\n')} what="the request" />
    </details>
  )
}
