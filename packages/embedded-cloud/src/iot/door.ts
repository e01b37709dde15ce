import { constants } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { portError } from '../ports.ts'
import type { Log, ServerTls } from '../types.ts'
import { type Certificate, certificateIdOf, type Registry } from './registry.ts'

export interface DoorOptions {
  readonly tls: ServerTls
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly registry: Registry
  readonly log: Log
  now(): number
  admit(socket: TLSSocket, certificate: Certificate): void
}

export interface Door {
  readonly port: number
  close(): Promise<void>
}

/**
 * The TLS port for devices. A device proves that it has the key of a certificate that is
 * registered, ACTIVE and within its dates; who issued it does not matter
 * (RegisterCertificateWithoutCA). Any other connection is closed, as
 * https://docs.aws.amazon.com/iot/latest/developerguide/x509-client-certs.html says. SNI is not
 * required, because a client that dials 127.0.0.1 has no name to send.
 */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const server = createServer({
    cert: options.tls.cert,
    key: options.tls.key,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['x-amzn-mqtt-ca'],
    secureOptions: constants.SSL_OP_NO_TICKET,
    handshakeTimeout: 10_000,
    noDelay: true,
  })
  const sockets = new Set<TLSSocket>()
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    receive(socket, options)
  })
  server.on('tlsClientError', (error) =>
    options.log('iot', `TLS handshake failed: ${error.message}`),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(portError(error, options.port, 'MQTT')))
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function receive(socket: TLSSocket, options: DoorOptions): void {
  const x509 = socket.getPeerX509Certificate()
  const id = x509 && certificateIdOf(x509)
  const certificate = id === undefined ? undefined : options.registry.certificate(id)
  if (certificate === undefined) {
    refuse(id === undefined ? 'it showed no certificate' : `certificate ${id} is not registered`)
    return
  }
  const problem = certificateProblem(certificate, options.now())
  if (problem === undefined) options.admit(socket, certificate)
  else refuse(problem)

  function refuse(why: string): void {
    options.log('iot', `A device was refused: ${why}.`)
    socket.destroy()
  }
}

/** Why a registered certificate does not admit a device, or undefined. */
export function certificateProblem(certificate: Certificate, now: number): string | undefined {
  if (certificate.status !== 'ACTIVE')
    return `certificate ${certificate.id} is ${certificate.status}`
  if (certificate.notAfter < now) return `certificate ${certificate.id} has expired`
  return certificate.notBefore > now ? `certificate ${certificate.id} is not valid yet` : undefined
}
