import type { CertificateIssued, ProviderCertificate } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { useLoaded } from '../../data/use-loaded.ts'
import { Button } from '../../parts/button.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Card } from '../../parts/page.tsx'
import { State, Tags } from '../../parts/state.tsx'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Empty, View } from '../../parts/view.tsx'
import { IssueDialog, IssuedDialog } from './issue-certificate.tsx'
import { RevokeCertificate } from './revoke.tsx'

const tones = {
  valid: 'good',
  'not valid yet': 'warn',
  expired: 'plain',
  revoked: 'bad',
} as const

export function Certificates() {
  const loaded = useLoaded('GET /api/providers/certificates', {})
  const [issuing, setIssuing] = useState(false)
  const [issued, setIssued] = useState<CertificateIssued>()
  return (
    <>
      <Card
        title="Certificates"
        actions={
          <Button kind="primary" onClick={() => setIssuing(true)}>
            Issue a certificate
          </Button>
        }
        flush
      >
        <View of={loaded} what="the certificates">
          {({ certificates }) =>
            certificates.length === 0 ? (
              <Empty icon="provider" title="No certificate yet">
                Issue one for the topics of an app, and give its files to those who send.
              </Empty>
            ) : (
              <CertificateTable certificates={certificates} onChange={loaded.reload} />
            )
          }
        </View>
      </Card>
      {issuing && (
        <IssueDialog
          onClose={() => setIssuing(false)}
          onIssued={(answer) => {
            setIssuing(false)
            setIssued(answer)
            loaded.reload()
          }}
        />
      )}
      {issued && <IssuedDialog issued={issued} onClose={() => setIssued(undefined)} />}
    </>
  )
}

function CertificateTable(props: {
  readonly certificates: readonly ProviderCertificate[]
  readonly onChange: () => void
}) {
  return (
    <Table
      caption="Provider certificates"
      rows={props.certificates}
      keyOf={({ fingerprint }) => fingerprint}
      columns={[
        { title: 'Topics', cell: ({ topics }) => <Tags of={topics} /> },
        { title: 'State', cell: stateOf },
        { title: 'Valid until', cell: ({ notAfter }) => <Time at={notAfter} /> },
        { title: 'Issued', cell: ({ issuedAt }) => <Time at={issuedAt} /> },
        {
          title: 'Fingerprint',
          cell: ({ fingerprint }) => (
            <Copyable text={fingerprint} what="fingerprint">
              {fingerprint.slice(0, 12)}…
            </Copyable>
          ),
        },
        {
          title: 'Actions',
          actions: true,
          cell: (one) =>
            one.state !== 'revoked' && (
              <RevokeCertificate certificate={one} onDone={props.onChange} />
            ),
        },
      ]}
    />
  )
}

function stateOf({ state, revokedAt, revocationReason }: ProviderCertificate) {
  return (
    <>
      <State tone={tones[state]}>{state.charAt(0).toUpperCase() + state.slice(1)}</State>
      {revokedAt !== undefined && (
        <div class="small soft">
          <Time at={revokedAt} /> {revocationReason}
        </div>
      )}
    </>
  )
}
