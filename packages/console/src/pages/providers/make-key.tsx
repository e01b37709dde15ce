import type { ProviderKeyCreated } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { useAct } from '../../data/use-act.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { CheckField, Field, Form, TextField } from '../../parts/field.tsx'
import { Failed } from '../../parts/notice.tsx'
import { Facts } from '../../parts/table.tsx'
import { say } from '../../parts/toasts.tsx'
import { Downloads } from './downloads.tsx'
import { TopicsField, topicsIn } from './topics.tsx'

const idHint = '10 capital letters and digits'

export function CreateKeyDialog(props: {
  readonly onClose: () => void
  readonly onDone: (created: ProviderKeyCreated) => void
}) {
  const { onClose, onDone } = props
  const [topics, setTopics] = useState('')
  const [team, setTeam] = useState('')
  const [use, setUse] = useState(true)
  const [asked, setAsked] = useState(false)
  const create = useAct(async () => {
    const body = { topics: topicsIn(topics), team: team.trim(), use }
    onDone(await call('POST /api/providers/keys', { body }))
  })
  const submit = () => {
    setAsked(true)
    if (topicsIn(topics).length > 0) void create.run()
  }
  return (
    <Dialog title="Make a provider key" onClose={onClose}>
      <Form onSubmit={submit}>
        <TopicsField value={topics} onInput={setTopics} asked={asked} />
        <TextField label="Team id" value={team} onInput={setTeam} mono hint={idHint} />
        <CheckField label="Also use it here, to send" checked={use} onChange={setUse} />
        {create.fault && <Failed fault={create.fault} />}
        <div class="actions" data-end>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={create.busy}>
            Make the key
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}

export function CreatedKeyDialog(props: {
  readonly created: ProviderKeyCreated
  readonly onClose: () => void
}) {
  const { created, onClose } = props
  return (
    <Dialog title="The key is made" onClose={onClose}>
      <Downloads files={[created.file]} />
      <Facts
        of={[
          { name: 'Key id', value: <span class="mono">{created.key.keyId}</span> },
          { name: 'Team id', value: <span class="mono">{created.key.teamId}</span> },
          { name: 'Topics', value: created.key.topics.join(', ') },
        ]}
      />
      <div class="actions" data-end>
        <Button onClick={onClose}>I have saved it</Button>
      </div>
    </Dialog>
  )
}

/** The public half of a key that a team has already. */
export function ImportKeyDialog(props: {
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const { onClose, onDone } = props
  const [entered, setEntered] = useState({ topics: '', team: '', keyId: '', publicKey: '' })
  const [asked, setAsked] = useState(false)
  const change = (some: Partial<typeof entered>) => setEntered((last) => ({ ...last, ...some }))
  const add = useAct(async () => {
    const { topics, team, keyId, publicKey } = entered
    const body = { topics: topicsIn(topics), team: team.trim(), keyId: keyId.trim(), publicKey }
    await call('POST /api/providers/keys/import', { body })
    say(`Key ${body.keyId} is on record.`)
    onDone()
  })
  const submit = () => {
    setAsked(true)
    if (topicsIn(entered.topics).length > 0) void add.run()
  }
  return (
    <Dialog title="Import a provider key" onClose={onClose}>
      <Form onSubmit={submit}>
        <TopicsField
          value={entered.topics}
          onInput={(topics) => change({ topics })}
          asked={asked}
        />
        <ImportFields entered={entered} change={change} />
        {add.fault && <Failed fault={add.fault} />}
        <div class="actions" data-end>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={add.busy}>
            Import
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}

function ImportFields(props: {
  readonly entered: { readonly team: string; readonly keyId: string; readonly publicKey: string }
  readonly change: (some: { team?: string; keyId?: string; publicKey?: string }) => void
}) {
  const { entered, change } = props
  return (
    <>
      <div class="fields-row">
        <TextField
          label="Key id"
          value={entered.keyId}
          onInput={(keyId) => change({ keyId })}
          mono
          hint={idHint}
        />
        <TextField
          label="Team id"
          value={entered.team}
          onInput={(team) => change({ team })}
          mono
          hint={idHint}
        />
      </div>
      <Field
        label="Public key (PEM)"
        hint={
          <>
            <code>openssl pkey -in AuthKey_….p8 -pubout</code> writes it. The private half stays
            with you.
          </>
        }
      >
        {(ids) => (
          <textarea
            {...ids}
            rows={3}
            spellcheck={false}
            value={entered.publicKey}
            onInput={({ currentTarget }) => change({ publicKey: currentTarget.value })}
          />
        )}
      </Field>
    </>
  )
}
