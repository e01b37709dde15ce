import type { Endpoints } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { useAct } from '../../data/use-act.ts'
import { Button } from '../../parts/button.tsx'
import { Code } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Form, SelectField, TextField } from '../../parts/field.tsx'
import { Failed } from '../../parts/notice.tsx'
import { Time } from '../../parts/time.tsx'

type Codes = Endpoints['POST /api/devices/invite']['answer']['codes']

const MOST_CODES = 100

const lifetimes = [
  ['3600', '1 hour'],
  ['86400', '1 day'],
  ['604800', '7 days'],
  ['2592000', '30 days'],
] as const

/** Makes activation codes, which are shown once. */
export function InviteDialog({ onClose }: { readonly onClose: () => void }) {
  const [number, setNumber] = useState('1')
  const [lifetime, setLifetime] = useState('86400')
  const [codes, setCodes] = useState<Codes>()
  const count = Number(number)
  const fault =
    Number.isInteger(count) && count >= 1 && count <= MOST_CODES
      ? undefined
      : `A number from 1 to ${MOST_CODES}.`
  const invite = useAct(async () => {
    if (fault) return
    const body = { count, ttlSeconds: Number(lifetime) }
    setCodes((await call('POST /api/devices/invite', { body })).codes)
  })
  if (codes) return <CodesDialog codes={codes} onClose={onClose} />
  return (
    <Dialog title="Invite devices" onClose={onClose}>
      <Form onSubmit={() => void invite.run()}>
        <p class="soft">
          A code lets one machine become a device, once. It is shown here and kept nowhere.
        </p>
        <div class="fields-row">
          <TextField
            label="How many"
            value={number}
            onInput={setNumber}
            inputMode="numeric"
            fault={fault}
          />
          <SelectField
            label="Good for"
            value={lifetime}
            onChange={setLifetime}
            options={lifetimes}
          />
        </div>
        {invite.fault && <Failed fault={invite.fault} />}
        <div class="actions" data-end>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={invite.busy}>
            Make the codes
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}

function CodesDialog({ codes, onClose }: { readonly codes: Codes; readonly onClose: () => void }) {
  const [first] = codes
  return (
    <Dialog title="Activation codes" onClose={onClose}>
      <p role="status">
        Copy them now: they are not shown again.
        {first && (
          <>
            {' '}
            Good until <Time at={first.expiresAt} />.
          </>
        )}
      </p>
      <Code text={codes.map(({ code }) => code).join('\n')} what="activation codes" />
      <div class="actions" data-end>
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  )
}
