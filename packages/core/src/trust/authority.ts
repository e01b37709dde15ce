import type { Authorities, Authority, AuthorityKey, Clock, Ids } from '../ports.ts'
import { issueAuthority } from './certificate.ts'

export interface AuthorityPorts {
  readonly clock: Clock
  readonly ids: Ids
  readonly stage: string
  readonly authorities: Authorities & { save(authority: Authority): Promise<void> }
  readonly keys: Readonly<Record<Authority['name'], AuthorityKey>>
}

const CA_YEARS = 20
const YEAR_MS = 365.25 * 24 * 3600_000

/**
 * Makes a CA's certificate once and keeps it: a second deployment, a changed property or a repeated
 * event must never make another, which would lock all providers or devices out.
 */
export async function makeAuthority(
  name: Authority['name'],
  ports: AuthorityPorts,
): Promise<Authority> {
  return (await ports.authorities.find(name)) ?? issue(name, ports)
}

async function issue(name: Authority['name'], ports: AuthorityPorts): Promise<Authority> {
  const key = ports.keys[name]
  const now = ports.clock.now()
  const validity = { notBefore: new Date(now), notAfter: new Date(now + CA_YEARS * YEAR_MS) }
  const title = `Heliograph ${ports.stage} ${name} CA`
  const publicKey = await key.publicKey()
  const certificate = await issueAuthority(title, publicKey, validity, ports.ids.bytes(16), key)
  const authority = { name, certificate, keyArn: key.arn }
  await ports.authorities.save(authority)
  return authority
}
