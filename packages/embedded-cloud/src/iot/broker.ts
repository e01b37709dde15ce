import type { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { Aedes } from 'aedes'
import { type AedesClient, unparsedBytes } from './aedes-client.ts'
import { Gatekeeper, type GatekeeperOptions, refusalWith } from './gatekeeper.ts'
import { limits } from './limits.ts'
import type { Certificate } from './registry.ts'
import type { RetainedMessages } from './retained.ts'
import type { DisconnectReason, Session } from './session.ts'
import { readInSlices } from './slices.ts'
import { Turnstile } from './turnstile.ts'

export interface BrokerOptions extends GatekeeperOptions {
  readonly keepAliveSeconds: { readonly least: number; readonly most: number }
  /** A CONNECT is answered once this has come. */
  readonly admitting: Promise<void>
  /** Devices that publish wait while it is true. */
  isBusy(): boolean
}

export interface Publication {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1
}

export interface Broker {
  /** Speaks MQTT with a device whose certificate has been accepted. */
  serve(socket: TLSSocket, certificate: Certificate): void
  /** Hands a message to those who subscribe to its topic, and waits for none of them. */
  publish(publication: Publication): void
  /** Ends a session; resolves when its connection is closed. */
  disconnect(session: Session, reason: DisconnectReason, keepWill?: boolean): Promise<void>
  /** Forgets what is kept for an offline client id. */
  dropPersistentSession(clientId: string): Promise<void>
  close(): Promise<void>
}

/** MQTT 3.1.1 as AWS IoT Core speaks it: aedes, with the certificate's policies asked at every step. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const gatekeeper = new Gatekeeper(options)
  const turnstile = new Turnstile<unknown>(() => options.isBusy())
  const aedes = await Aedes.createBroker({
    concurrency: 1000,
    connectTimeout: 10_000,
    maxClientsIdLength: limits.clientIdBytes,
    preConnect: (client, packet, done) => {
      packet.keepalive = effectiveKeepAlive(packet.keepalive, options.keepAliveSeconds)
      gatekeeper.noteKeepAlive(client as AedesClient, packet.keepalive)
      void options.admitting.then(() => done(null, true))
    },
    authenticate: (client, _username, _password, done) =>
      gatekeeper.connect(client as AedesClient).then(
        (refusal) => done(refusal ?? null, refusal === undefined),
        () => done(refusalWith(3), false),
      ),
    authorizePublish: (client, packet, done) => {
      const publish = () => done(gatekeeper.publish(client, packet))
      if (turnstile.pass(client, publish)) return
      options.log('iot', `THROTTLED: ${client?.id} is disconnected: too many of its messages wait.`)
      done(new Error('Too many of its messages wait.'))
    },
    authorizeSubscribe: (client, subscription, done) =>
      done(null, gatekeeper.maySubscribe(client, subscription) ? subscription : null),
    authorizeForward: (client, packet) =>
      gatekeeper.mayReceive(client, packet.topic) ? packet : null,
  })
  ;(aedes as EventEmitter).on('error', (error: Error) =>
    options.log('iot', `The broker failed: ${error.message}`),
  )
  aedes.on('connackSent', (connack, client) => {
    if (connack.returnCode === 0) gatekeeper.begin(client as AedesClient)
  })
  aedes.on('keepaliveTimeout', (client) => gatekeeper.decideEnd(client, 'MQTT_KEEP_ALIVE_TIMEOUT'))
  aedes.on('clientError', (client, error) => gatekeeper.fail(client, error))
  retainIn(aedes, options.retained)
  return brokerOn(aedes, gatekeeper)
}

/** aedes retains in memory and without an end, so it is never given anything to retain. */
function retainIn(aedes: Aedes, retained: RetainedMessages): void {
  persistenceOf(aedes).createRetainedStreamCombi = (filters) => {
    const found = filters.flatMap((filter) => retained.matching(filter))
    return Readable.from(found.map((message) => ({ cmd: 'publish', ...message })))
  }
}

function brokerOn(aedes: Aedes, gatekeeper: Gatekeeper): Broker {
  return {
    serve(socket, certificate) {
      readInSlices(socket)
      const client = aedes.handle(socket) as AedesClient
      gatekeeper.certificates.set(client, certificate.id)
      // aedes reads first, so what is left is one incomplete packet.
      socket.on('readable', () => {
        if (unparsedBytes(client) > limits.packetBytes) socket.destroy()
      })
    },
    publish(publication) {
      const packet = { cmd: 'publish', dup: false, retain: false, ...publication } as const
      aedes.publish(packet, () => {})
    },
    disconnect: (session, reason, keepWill = true) =>
      gatekeeper.disconnect(session, reason, keepWill),
    async dropPersistentSession(clientId) {
      const client = { id: clientId }
      const persistence = persistenceOf(aedes)
      await persistence.cleanSubscriptions(client)
      for await (const packet of persistence.outgoingStream(client))
        await persistence.outgoingClearMessageId(client, packet)
    },
    close: () => new Promise((resolve) => aedes.close(() => resolve())),
  }
}

/** 0 and what exceeds the most become the most; source: iot-quotas, "Keep-alive interval". */
function effectiveKeepAlive(
  asked: number | undefined,
  { least, most }: { least: number; most: number },
): number {
  return asked === undefined || asked === 0 ? most : Math.min(most, Math.max(least, asked))
}

interface Persistence {
  cleanSubscriptions(client: { readonly id: string }): Promise<unknown>
  outgoingStream(client: { readonly id: string }): AsyncIterable<unknown>
  createRetainedStreamCombi(filters: readonly string[]): Readable
  outgoingClearMessageId(client: { readonly id: string }, packet: unknown): Promise<unknown>
}

function persistenceOf(aedes: Aedes): Persistence {
  return (aedes as Aedes & { readonly persistence: Persistence }).persistence
}
