import type { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { upstreams, upTopic } from '@heliograph/protocol/mqtt-topic'
import { seldom } from '../log.ts'
import { Doorway } from '../server/doorway.ts'
import { listenOn, type ServerTls, tlsContext } from '../server/tls.ts'
import { readDeviceCertificate } from '../trust/device-certificate.ts'
import type { Admissions, Admitted, DeviceServerContext, DeviceServerOptions } from './context.ts'
import { DeviceConnection } from './device-connection.ts'
import type { Sessions } from './sessions.ts'

export interface DeviceServer {
  readonly port: number
  /** Shows devices this certificate from now on. */
  show(tls: ServerTls): void
  /** Accepts no more connections, ends the open ones, and resolves after the last. */
  close(): Promise<void>
}

/** How often connections are looked at, milliseconds. */
const SWEEP_MS = 5_000

/**
 * MQTT 3.1.1 and 5 for devices with a certificate of the device CA: a device connects as itself,
 * publishes its own requests, gets direct messages, and subscribes to nothing but the channels that it knows by their ids.
 */
export async function startDeviceServer(options: DeviceServerOptions): Promise<DeviceServer> {
  const { sessions } = options
  const sockets = new Set<TLSSocket>()
  const server = createServer({
    ...tlsContext(options.tls, options.authorities()),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: options.limits.connectMs,
    noDelay: true,
  })
  const doorway = new Doorway(server, options.limits)
  const context = contextOf(options, doorway)
  server.on('tlsClientError', (error, socket) => {
    // after a time-out of the handshake Node leaves the socket open
    socket.destroy()
    context.refused(error.message || String(error))
  })
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    new DeviceConnection(socket, context).begin()
  })
  const sweep = setInterval(() => sweepSessions(sessions), SWEEP_MS)
  sweep.unref()
  await listenOn(server, options.listen, 'devices')
  return {
    port: (server.address() as AddressInfo).port,
    show: (renewed) => server.setSecureContext(tlsContext(renewed, options.authorities())),
    close: () => close(server, { sessions, sockets, sweep }),
  }
}

function contextOf(options: DeviceServerOptions, doorway: Doorway): DeviceServerContext {
  const names = upstreams.map((name) => [name, upTopic(options.stage, name, '')] as const)
  return {
    ...options,
    welcome: (socket) => doorway.welcome(socket),
    room: { held: 0, most: options.limits.waitingBytes },
    admit: (socket) => admit(socket.getPeerX509Certificate(), options.admissions),
    upstreamOf: (topic, deviceId) =>
      names.find(
        ([, prefix]) => topic.startsWith(prefix) && topic.slice(prefix.length) === deviceId,
      )?.[0],
    refused: seldom((detail, count) =>
      options.log.warn('a device connection was refused', { detail, count }),
    ),
  }
}

/** The device's own certificate, if it still counts: one that was retired, or that is not on record, lets nobody in. */
export function admit(
  certificate: X509Certificate | undefined,
  admissions: Admissions,
): Admitted | { readonly refused: string } {
  if (!certificate) return { refused: 'no certificate' }
  const named = readDeviceCertificate(certificate)
  if (!named) return { refused: 'the certificate names no device' }
  const { deviceId, certificateId } = named
  return admissions.mayConnect(deviceId, certificateId)
    ? named
    : { refused: `${deviceId} is revoked, or the certificate is not, or no longer, its own` }
}

function sweepSessions(sessions: Sessions): void {
  const now = performance.now()
  for (const session of [...sessions.all()]) {
    const problem = session.problemAt(now)
    if (problem === 'stalled') session.socket.destroy()
    else if (problem) session.end(problem)
  }
  sessions.channels.catchUpAll()
}

async function close(
  server: Server,
  parts: {
    readonly sessions: Sessions
    readonly sockets: ReadonlySet<TLSSocket>
    readonly sweep: NodeJS.Timeout
  },
): Promise<void> {
  clearInterval(parts.sweep)
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const { facts } of [...parts.sessions.all()])
    parts.sessions.close(facts.deviceId, 'shuttingDown')
  const cut = setTimeout(() => {
    for (const socket of parts.sockets) socket.destroy()
  }, 500)
  await closed
  clearTimeout(cut)
}
