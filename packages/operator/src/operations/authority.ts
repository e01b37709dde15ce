import { X509Certificate } from 'node:crypto'
import type { Authority } from '@heliograph/core/ports'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'

export interface FoundAuthority extends Authority {
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

/** A CA of the deployment; a `Failure` if it is not set up or has expired. */
export async function findAuthority(
  deployment: Deployment,
  name: Authority['name'],
): Promise<FoundAuthority> {
  const { ports, clock } = deployment
  const found = await ports.authorities.find(name)
  if (!found)
    throw new Failure('refused', `the ${name} CA is not set up: deploy the State stack again`)
  const notAfter = Date.parse(new X509Certificate(found.certificate).validTo)
  if (notAfter <= clock.now())
    throw new Failure('refused', `the ${name} CA has expired: it can no longer sign anything`)
  return { ...found, notAfter }
}
