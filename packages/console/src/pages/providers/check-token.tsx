import type { ProviderTokenCheck } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { useAct } from '../../data/use-act.ts'
import { Button } from '../../parts/button.tsx'
import { Code } from '../../parts/copy.tsx'
import { Field, Form, TextField } from '../../parts/field.tsx'
import { Failed, Notice } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { Facts } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'

/** What the service would say about a provider token. It is a credential: no address ever contains it. */
export function CheckToken() {
  const [token, setToken] = useState('')
  const [topic, setTopic] = useState('')
  const [found, setFound] = useState<ProviderTokenCheck>()
  const [asked, setAsked] = useState(false)
  const check = useAct(async () => {
    const body = { token: token.trim(), ...(topic.trim() !== '' && { topic: topic.trim() }) }
    setFound(await call('POST /api/providers/tokens/check', { body }))
  })
  const submit = () => {
    setAsked(true)
    if (token.trim() !== '') void check.run()
  }
  return (
    <div class="columns">
      <Card title="Provider token">
        <Form onSubmit={submit}>
          <Field
            label="Token (JWT)"
            hint="With or without “bearer” before it. It is read here and forgotten."
            fault={asked && token.trim() === '' ? 'Paste a provider token first.' : undefined}
          >
            {(ids) => (
              <textarea
                {...ids}
                rows={3}
                spellcheck={false}
                value={token}
                onInput={({ currentTarget }) => setToken(currentTarget.value)}
              />
            )}
          </Field>
          <TextField
            label="Topic"
            value={topic}
            onInput={setTopic}
            mono
            hint="Optional: whether the key of the token names it"
          />
          <div class="actions">
            <Button kind="primary" type="submit" busy={check.busy}>
              Check
            </Button>
          </div>
        </Form>
      </Card>
      <div class="stack">
        {check.fault && <Failed fault={check.fault} />}
        {found && <FoundCard found={found} />}
      </div>
    </div>
  )
}

function FoundCard({ found }: { readonly found: ProviderTokenCheck }) {
  const { reason, explanation, checks, key, expiresAt, header, claims } = found
  const good = reason === undefined
  return (
    <Card title="What the service would say">
      <Notice tone={good ? 'good' : 'bad'} live>
        <p>
          <strong>{good ? 'The token is good' : reason}</strong>
        </p>
        <p>{explanation.meaning}</p>
        <p>{explanation.advice}</p>
      </Notice>
      <ol class="checks">
        {checks.map(({ name, good: fine, detail }) => (
          <li key={name}>
            <State tone={fine ? 'good' : 'bad'}>{name}</State>
            <span class="soft">{detail}</span>
          </li>
        ))}
      </ol>
      <Facts
        of={[
          key && { name: 'Key', value: `${key.keyId} of team ${key.teamId}, ${key.state}` },
          expiresAt !== undefined && { name: 'Taken until', value: <Time at={expiresAt} /> },
        ]}
      />
      {(header ?? claims) !== undefined && (
        <Code text={JSON.stringify({ header, claims }, null, 2)} what="the decoded token" />
      )}
    </Card>
  )
}
