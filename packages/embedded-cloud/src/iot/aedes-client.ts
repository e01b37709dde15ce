import type { EventEmitter } from 'node:events'
import type { TLSSocket } from 'node:tls'
import type { Client } from 'aedes'

/**
 * Private parts of aedes 1.2 that the broker needs: the parser, to see a PUBACK with its message id
 * (the `ack` event has none for clean sessions); the counter of message ids, so that direct
 * messages never share one with aedes; the will, to drop it. All access to private members is in
 * this file.
 */
export interface AedesClient extends Client {
  readonly conn: TLSSocket
  readonly _parser: EventEmitter & { readonly _list: { readonly length: number } }
  _nextId: number
  _will: unknown
  will: unknown
  readonly _keepaliveTimer: NodeJS.Timeout | null
  readonly subscriptions: Readonly<Record<string, unknown>>
}

/** The parts of an MQTT packet that the broker looks at before aedes does. */
export interface IncomingPacket {
  readonly cmd: string
  readonly messageId?: number
  readonly subscriptions?: readonly { readonly topic: string }[]
  readonly unsubscriptions?: readonly string[]
}

/** The next message id of a connection, from the counter that aedes uses itself. */
export function takeMessageId(client: AedesClient): number {
  const id = client._nextId
  client._nextId = id >= 65535 ? 1 : id + 1
  return id
}

/**
 * Shows every incoming packet to `consume` before aedes gets it; true keeps the packet from aedes.
 * aedes takes all listeners off when the connection closes, this one included.
 */
export function interceptPackets(
  client: AedesClient,
  consume: (packet: IncomingPacket) => boolean,
): void {
  const parser = client._parser
  const listeners = parser.listeners('packet')
  parser.removeAllListeners('packet')
  parser.on('packet', (packet: IncomingPacket) => {
    client._keepaliveTimer?.refresh()
    if (consume(packet)) return
    for (const listener of listeners) listener.call(parser, packet)
  })
}

/** Bytes of a packet that has not arrived whole. */
export function unparsedBytes(client: AedesClient): number {
  return client._parser._list.length
}

/** Makes the coming end of the connection publish no last will. */
export function dropWill(client: AedesClient): void {
  client.will = null
}
