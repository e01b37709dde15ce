import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { MachineError } from './failure.ts'
import type { ServerAuthorityPlace } from './server/server-certificate.ts'
import { serverAuthority, serverCertificate } from './server/server-certificate.ts'
import type { ServerTls } from './server/tls.ts'
import type { Settings } from './settings.ts'

/** What the servers show, and what clients check it against. */
export interface Identity {
  readonly tls: ServerTls
  /** PEM. */
  readonly authority: string
}

/** The owner's certificate, or one of the machine's own CA for every name that it goes by. */
export async function serverIdentity(
  settings: Settings,
  place: ServerAuthorityPlace,
): Promise<Identity> {
  const { tlsCertificate, tlsKey, tlsAuthority } = settings
  if (tlsCertificate !== undefined && tlsKey !== undefined && tlsAuthority !== undefined)
    return ownersIdentity({ cert: readPem(tlsCertificate), key: readPem(tlsKey) }, tlsAuthority)
  const authority = await serverAuthority(place)
  const names = new Set([settings.host, 'localhost', '127.0.0.1', '::1'])
  const tls = await serverCertificate([...names], authority, place)
  return { tls, authority: authority.certificate }
}

function ownersIdentity(tls: ServerTls, authorityPath: string): Identity {
  try {
    new X509Certificate(tls.cert)
  } catch (fault) {
    throw new MachineError('tlsCertificate is not a certificate in PEM', { cause: fault })
  }
  return { tls, authority: readPem(authorityPath) }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException
    throw new MachineError(`${path}, which the settings name, cannot be read: ${code}`, {
      cause: fault,
    })
  }
}
