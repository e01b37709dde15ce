import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { MachineError } from './failure.ts'
import { faultFields, type Log } from './log.ts'
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

/** How often the certificate is looked at, milliseconds. */
const LOOK_MS = 24 * 3600_000

/**
 * Loads the current certificate once a day: the owner's files may have been renewed, and a
 * certificate from the machine's own CA is replaced long before it expires. `renew` does so at
 * once, with the CAs against which clients' certificates are then checked.
 */
export function renewIdentity(
  settings: Settings,
  place: ServerAuthorityPlace,
  { servers, log }: { readonly servers: readonly Shows[]; readonly log: Log },
): { renew(): Promise<void>; stop(): void } {
  const renew = async () => {
    try {
      const { tls } = await serverIdentity(settings, place)
      for (const server of servers) server.show(tls)
    } catch (fault) {
      log.error(
        "the servers' certificate cannot be renewed: the old one is shown",
        faultFields(fault),
      )
    }
  }
  const timer = setInterval(() => void renew(), LOOK_MS)
  return { renew, stop: () => clearInterval(timer) }
}

/** A server that can be given another certificate. */
interface Shows {
  show(tls: ServerTls): void
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
