import type {
  Authorities,
  Authority,
  AuthorityKey,
  Clock,
  Ids,
  TokenKeyStore,
} from '@heliograph/core/ports'
import { ensureKey } from '@heliograph/core/token/rotate'
import { makeAuthority } from '@heliograph/core/trust/authority'
import { GRACE_MS } from './rotation.ts'

export interface TrustPorts {
  readonly clock: Clock
  readonly ids: Ids
  readonly authorities: Authorities & {
    save(authority: Authority): Promise<void>
    key(name: Authority['name']): Promise<AuthorityKey>
  }
  readonly tokenKeys: TokenKeyStore
  /** Part of the CAs' names, so that two installations can be told apart. */
  readonly stage: string
}

/** Both CAs with their keys; the token keys are in the store's ring. */
export type Trust = Readonly<
  Record<Authority['name'], { readonly authority: Authority; readonly key: AuthorityKey }>
>

/** What every start needs: the first makes both CAs and a token key, later ones find them. */
export async function openTrust(ports: TrustPorts): Promise<Trust> {
  const { authorities } = ports
  const [provider, device] = await Promise.all([
    authorities.key('provider'),
    authorities.key('device'),
  ])
  const keys = { provider, device }
  const made = { ...ports, keys }
  const provided = await makeAuthority('provider', made)
  const devices = await makeAuthority('device', made)
  await ensureKey({ ...ports, graceMs: GRACE_MS })
  return {
    provider: { authority: provided, key: provider },
    device: { authority: devices, key: device },
  }
}
