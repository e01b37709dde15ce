import type { CredentialView, NewCredential } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { useAct } from '../../data/use-act.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Choices, Field, Form, TextField } from '../../parts/field.tsx'
import { Failed } from '../../parts/notice.tsx'
import { say } from '../../parts/toasts.tsx'

const kinds = [
  ['p12', 'PKCS#12'],
  ['pem', 'PEM'],
  ['key', 'Provider key'],
] as const

type Kind = (typeof kinds)[number][0]

/** What the dialog asks for; which of it is used depends on the kind. */
interface Entered {
  readonly file?: File
  readonly keyFile?: File
  readonly passphrase: string
  readonly keyId: string
  readonly teamId: string
}

/** Takes a provider's credential. It goes to the console's memory on this machine, and nowhere else. */
export function AddCredential(props: {
  readonly onClose: () => void
  readonly onAdded: (credential: CredentialView) => void
}) {
  const { onClose, onAdded } = props
  const [kind, setKind] = useState<Kind>('p12')
  const [entered, setEntered] = useState<Entered>({ passphrase: '', keyId: '', teamId: '' })
  const change = (some: Partial<Entered>) => setEntered((last) => ({ ...last, ...some }))
  const add = useAct(async () => {
    const added = await call('POST /api/credentials', { body: await credentialOf(kind, entered) })
    onAdded(added)
    say(`${added.label} can now send.`)
    onClose()
  })
  return (
    <Dialog title="Add a credential" onClose={onClose}>
      <Form onSubmit={() => void add.run()}>
        <p class="soft">
          It stays in the memory of the console on this machine, and is forgotten when the console
          ends.
        </p>
        <Choices
          label="Kind"
          value={kind}
          onChange={(value) => setKind(value as Kind)}
          options={kinds}
        />
        <KindFields kind={kind} entered={entered} change={change} />
        {add.fault && <Failed fault={add.fault} />}
        <div class="actions" data-end>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={add.busy}>
            Add
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}

function KindFields(props: {
  readonly kind: Kind
  readonly entered: Entered
  readonly change: (some: Partial<Entered>) => void
}) {
  const { kind, entered, change } = props
  const setFile = (file: File | undefined) => change(file ? { file, ...idsIn(file.name) } : {})
  if (kind === 'pem')
    return (
      <>
        <FileField label="Certificate (.pem)" onFile={setFile} />
        <FileField
          label="Private key (.key)"
          onFile={(keyFile) => keyFile && change({ keyFile })}
        />
      </>
    )
  if (kind === 'p12')
    return (
      <>
        <FileField label="File (.p12)" onFile={setFile} />
        <Field label="Passphrase">
          {(ids) => (
            <input
              {...ids}
              type="password"
              autoComplete="off"
              value={entered.passphrase}
              onInput={({ currentTarget }) => change({ passphrase: currentTarget.value })}
            />
          )}
        </Field>
      </>
    )
  return (
    <>
      <FileField label="Private key (.p8)" onFile={setFile} />
      <div class="fields-row">
        <TextField
          label="Key id"
          value={entered.keyId}
          onInput={(keyId) => change({ keyId })}
          mono
          hint="10 capital letters and digits"
        />
        <TextField
          label="Team id"
          value={entered.teamId}
          onInput={(teamId) => change({ teamId })}
          mono
          hint="10 capital letters and digits"
        />
      </div>
    </>
  )
}

/** Apple and this service name the file after its key. */
function idsIn(name: string): Partial<Entered> {
  const keyId = /^AuthKey_([A-Z0-9]{10})\.p8$/.exec(name)?.[1]
  return keyId === undefined ? {} : { keyId }
}

function FileField(props: {
  readonly label: string
  readonly onFile: (file: File | undefined) => void
}) {
  return (
    <Field label={props.label}>
      {(ids) => (
        <input
          {...ids}
          class="input file"
          type="file"
          onChange={({ currentTarget }) => props.onFile(currentTarget.files?.[0])}
        />
      )}
    </Field>
  )
}

async function credentialOf(kind: Kind, entered: Entered): Promise<NewCredential> {
  const { file, keyFile, passphrase, keyId, teamId } = entered
  if (!file) throw new Error('Choose a file first.')
  const label = file.name
  if (kind === 'p12') return { kind, label, p12: await base64Of(file), passphrase }
  if (kind === 'key')
    return { kind, label, p8: await file.text(), keyId: keyId.trim(), teamId: teamId.trim() }
  if (!keyFile) throw new Error('Choose the file of the private key, too.')
  return { kind, label, certificate: await file.text(), key: await keyFile.text() }
}

async function base64Of(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
