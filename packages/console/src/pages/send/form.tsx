import { priorities } from '@heliograph/protocol/priority'
import { parsePushType, pushTypes } from '@heliograph/protocol/push-type'
import type { CredentialView } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { Button } from '../../parts/button.tsx'
import { Form, SelectField, TextField } from '../../parts/field.tsx'
import { clockText, distance, offsetAt } from '../../words/times.ts'
import { AddCredential } from './add-credential.tsx'
import { type Draft, tokenFault } from './draft.ts'
import { templateFor } from './payload.ts'
import { PayloadField } from './payload-field.tsx'

export interface SendFormProps {
  readonly draft: Draft
  readonly change: (some: Partial<Draft>) => void
  readonly credentials: readonly CredentialView[] | undefined
  readonly credential: CredentialView | undefined
  readonly onChoose: (id: string) => void
  readonly onAdded: (credential: CredentialView) => void
  /** Once sending was tried, faults are shown. */
  readonly asked: boolean
  readonly busy: boolean
  readonly submit: () => void
}

export function SendForm(props: SendFormProps) {
  const { draft, change, asked, busy, submit, credential } = props
  return (
    <Form onSubmit={submit} label="Notification">
      <CredentialField {...props} />
      <TextField
        label="Device token"
        value={draft.token}
        onInput={(token) => change({ token })}
        mono
        fault={asked || draft.token !== '' ? tokenFault(draft.token) : undefined}
      />
      <div class="fields-row">
        <TextField
          label="Topic"
          value={draft.topic}
          onInput={(topic) => change({ topic })}
          list={credential?.topics ?? []}
          hint="apns-topic"
        />
        <PushTypeField {...props} />
      </div>
      <details>
        <summary>Priority, expiration, collapse id, apns-id</summary>
        <MoreFields draft={draft} change={change} />
      </details>
      <PayloadField draft={draft} change={change} />
      <div class="actions">
        <Button kind="primary" type="submit" icon="send" busy={busy} disabled={!credential}>
          Send
        </Button>
      </div>
    </Form>
  )
}

function CredentialField(props: SendFormProps) {
  const { credentials, credential, onChoose, onAdded, asked } = props
  const [adding, setAdding] = useState(false)
  const none = credentials?.length === 0
  const fault = 'Add a credential: a certificate or a provider key that names the topic.'
  return (
    <div class="search">
      <SelectField
        label="Send as"
        value={credential?.id ?? ''}
        onChange={onChoose}
        options={none ? [['', 'No credential yet']] : (credentials ?? []).map(optionOf)}
        fault={none && asked ? fault : undefined}
      />
      <Button onClick={() => setAdding(true)}>Add a credential</Button>
      {adding && <AddCredential onClose={() => setAdding(false)} onAdded={onAdded} />}
    </div>
  )
}

function optionOf({ id, label, kind }: CredentialView): [string, string] {
  return [id, `${label} (${kind === 'key' ? 'provider key' : 'certificate'})`]
}

const typeOptions = Object.keys(pushTypes).map((type): [string, string] => [type, type])

function PushTypeField({ draft, change }: Pick<SendFormProps, 'draft' | 'change'>) {
  const choose = (pushType: string) => {
    const untouched = draft.payload === templateFor(draft.pushType)
    change({ pushType, ...(untouched && { payload: templateFor(pushType) }) })
  }
  const type = parsePushType(draft.pushType)
  const suffix = type ? pushTypes[type].suffix : ''
  return (
    <SelectField
      label="Push type"
      value={draft.pushType}
      onChange={choose}
      options={[['', 'Not given'], ...typeOptions]}
      hint={suffix === '' ? 'apns-push-type' : `Its topic ends in ${suffix}`}
    />
  )
}

const priorityOptions = priorities.map((one): [string, string] => [String(one), String(one)])

function MoreFields({ draft, change }: Pick<SendFormProps, 'draft' | 'change'>) {
  return (
    <div class="fields more-fields">
      <div class="fields-row">
        <SelectField
          label="Priority"
          value={draft.priority}
          onChange={(priority) => change({ priority })}
          options={[['', 'Not given: 10'], ...priorityOptions]}
          hint="apns-priority"
        />
        <TextField
          label="Collapse id"
          value={draft.collapseId}
          onInput={(collapseId) => change({ collapseId })}
          hint="apns-collapse-id, at most 64 bytes"
        />
      </div>
      <ExpirationField draft={draft} change={change} />
      <div class="search">
        <TextField
          label="apns-id"
          value={draft.id}
          onInput={(id) => change({ id })}
          mono
          hint="The service makes one where none is given. It accepts one id only once in ten minutes."
        />
        <Button onClick={() => change({ id: crypto.randomUUID() })}>Make one</Button>
      </div>
    </div>
  )
}

function ExpirationField({ draft, change }: Pick<SendFormProps, 'draft' | 'change'>) {
  const set = (seconds: number) =>
    change({ expiration: String(Math.floor(Date.now() / 1000) + seconds) })
  return (
    <div class="search">
      <TextField
        label="Expiration"
        value={draft.expiration}
        onInput={(expiration) => change({ expiration })}
        inputMode="numeric"
        hint={expirationText(draft.expiration.trim())}
      />
      <div class="actions">
        <Button onClick={() => change({ expiration: '0' })}>Once</Button>
        <Button onClick={() => set(3600)}>1 hour</Button>
        <Button onClick={() => set(86_400)}>1 day</Button>
      </div>
    </div>
  )
}

function expirationText(text: string): string {
  if (text === '')
    return 'apns-expiration in UNIX seconds; the service’s own lifetime where none is given'
  if (text === '0') return 'One attempt; it is never stored.'
  if (!/^-?\d{1,11}$/.test(text)) return 'This is not a number of UNIX seconds.'
  const at = Number(text) * 1000
  return `${clockText(at, offsetAt(at)).slice(0, 19)}, ${distance(at, Date.now())}`
}
