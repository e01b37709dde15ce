import type { RevocationReason } from '@heliograph/core/trust/revocation-list'
import type { ProviderCertificate, ProviderKeyView } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { Dangerous } from '../../parts/dangerous.tsx'
import { SelectField } from '../../parts/field.tsx'
import { say } from '../../parts/toasts.tsx'
import { clockText, offsetAt } from '../../words/times.ts'

const reasons: readonly (readonly [RevocationReason, string])[] = [
  ['unspecified', 'Not said'],
  ['keyCompromise', 'The private key may be known to others'],
  ['superseded', 'Another one has taken its place'],
  ['cessationOfOperation', 'It is no longer needed'],
  ['affiliationChanged', 'It belongs to somebody else now'],
  ['privilegeWithdrawn', 'Its owner may no longer send'],
]

/** Cannot be undone; the reason goes into the revocation list. */
export function RevokeCertificate(props: {
  readonly certificate: ProviderCertificate
  readonly onDone: () => void
}) {
  const { certificate, onDone } = props
  const { fingerprint, topics } = certificate
  const name = topics[0] ?? fingerprint
  const [reason, setReason] = useState<string>('unspecified')
  return (
    <Dangerous
      button="Revoke"
      size="small"
      about={`the certificate for ${name}`}
      title="Revoke this certificate for good?"
      name={name}
      nameOf="first topic"
      confirm="Revoke the certificate"
      work={async (confirm) => {
        const { effectiveBy } = await call('POST /api/providers/certificates/:fingerprint/revoke', {
          params: { fingerprint },
          body: { confirm, reason: reason as RevocationReason },
        })
        say(`Revoked the certificate; refused everywhere by ${clockOf(effectiveBy)}.`)
        onDone()
      }}
    >
      <p>
        Whoever sends with it is answered 403 BadCertificate, everywhere within 30 seconds. It
        cannot be taken back; a new one can be issued.
      </p>
      <SelectField label="Reason" value={reason} onChange={setReason} options={reasons} />
    </Dangerous>
  )
}

export function RevokeKey(props: { readonly of: ProviderKeyView; readonly onDone: () => void }) {
  const { keyId } = props.of
  return (
    <Dangerous
      button="Revoke"
      size="small"
      about={`key ${keyId}`}
      title="Revoke this key for good?"
      name={keyId}
      nameOf="key id"
      confirm="Revoke the key"
      work={async (confirm) => {
        const { effectiveBy } = await call('POST /api/providers/keys/:keyId/revoke', {
          params: { keyId },
          body: { confirm },
        })
        say(`Revoked ${keyId}; refused everywhere by ${clockOf(effectiveBy)}.`)
        props.onDone()
      }}
    >
      <p>
        Every token that it has signed is answered 403 InvalidProviderToken, everywhere within 30
        seconds. The id can never be used again.
      </p>
    </Dangerous>
  )
}

const clockOf = (at: number): string => clockText(at, offsetAt(at)).slice(11, 19)
