import type { ProviderKeyCreated, ProviderKeyView } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { useLoaded } from '../../data/use-loaded.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/page.tsx'
import { State, Tags } from '../../parts/state.tsx'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Empty, View } from '../../parts/view.tsx'
import { CreatedKeyDialog, CreateKeyDialog, ImportKeyDialog } from './make-key.tsx'
import { RevokeKey } from './revoke.tsx'

export function Keys() {
  const loaded = useLoaded('GET /api/providers/keys', {})
  const [making, setMaking] = useState<'create' | 'import'>()
  const [created, setCreated] = useState<ProviderKeyCreated>()
  const done = (answer?: ProviderKeyCreated) => {
    setMaking(undefined)
    setCreated(answer)
    loaded.reload()
  }
  const close = () => setMaking(undefined)
  return (
    <>
      <Card
        title="Provider keys"
        actions={
          <>
            <Button onClick={() => setMaking('import')}>Import</Button>
            <Button kind="primary" onClick={() => setMaking('create')}>
              Make a key
            </Button>
          </>
        }
        flush
      >
        <View of={loaded} what="the keys">
          {({ keys }) =>
            keys.length === 0 ? (
              <Empty icon="key" title="No provider key yet">
                Make one to send with tokens, as with Apple’s .p8 keys.
              </Empty>
            ) : (
              <KeyTable keys={keys} onChange={loaded.reload} />
            )
          }
        </View>
      </Card>
      {making === 'create' && <CreateKeyDialog onClose={close} onDone={done} />}
      {making === 'import' && <ImportKeyDialog onClose={close} onDone={() => done()} />}
      {created && <CreatedKeyDialog created={created} onClose={() => setCreated(undefined)} />}
    </>
  )
}

function KeyTable(props: {
  readonly keys: readonly ProviderKeyView[]
  readonly onChange: () => void
}) {
  return (
    <Table
      caption="Provider keys"
      rows={props.keys}
      keyOf={({ keyId }) => keyId}
      columns={[
        { title: 'Key id', cell: ({ keyId }) => <span class="mono">{keyId}</span> },
        { title: 'Team id', cell: ({ teamId }) => <span class="mono">{teamId}</span> },
        { title: 'Topics', cell: ({ topics }) => <Tags of={topics} /> },
        { title: 'State', cell: stateOf },
        { title: 'Made', cell: ({ createdAt }) => <Time at={createdAt} /> },
        {
          title: 'Actions',
          actions: true,
          cell: (one) => one.state === 'live' && <RevokeKey of={one} onDone={props.onChange} />,
        },
      ]}
    />
  )
}

function stateOf({ state, revokedAt }: ProviderKeyView) {
  if (state === 'live') return <State tone="good">Live</State>
  return (
    <>
      <State tone="bad">Revoked</State> {revokedAt !== undefined && <Time at={revokedAt} />}
    </>
  )
}
