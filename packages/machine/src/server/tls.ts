import { constants } from 'node:crypto'
import type { Server } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { MachineError } from '../failure.ts'

/** A server's certificate chain and key, PEM. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
}

/** Where a server listens; port 0 takes any free one. */
export interface Listening {
  readonly host: string
  readonly port: number
}

/**
 * TLS 1.2 and 1.3. Sessions are never resumed: a resumed one would skip the check of the client's
 * certificate. Security level 2 asks for RSA-2048, ECC-224 and SHA-256 or better.
 *
 * @param authorities PEM of the CAs that issue client certificates.
 */
export function tlsContext({ cert, key }: ServerTls, authorities?: string): SecureContextOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ciphers: 'DEFAULT@SECLEVEL=2',
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    ...(authorities !== undefined && { ca: authorities }),
  }
}

/** Resolves when the server listens; rejects with a sentence that says why it cannot. */
export function listenOn(server: Server, { host, port }: Listening, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(listenError(error, port, what))
    server.once('error', fail)
    server.listen({ host, port, backlog: 2_048 }, () => {
      server.removeListener('error', fail)
      resolve()
    })
  })
}

/** The process cannot serve there; `cause` is what the system said. */
function listenError(error: NodeJS.ErrnoException, port: number, what: string): MachineError {
  const text =
    error.code === 'EADDRINUSE'
      ? `port ${port} (${what}) is taken: give --port-base N, or stop the program that listens there`
      : error.code === 'EACCES'
        ? `port ${port} (${what}) needs a right that this user does not have: use a port above 1023`
        : `port ${port} (${what}) cannot be opened: ${error.message}`
  return new MachineError(text, { cause: error })
}
