import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import mqttPacket from 'mqtt-packet'
import type { Activation } from '../../tools/conformance/plain-device.ts'

/** Longer than any attack: it never says that it is still there. */
const KEEP_ALIVE_SECONDS = 1_200

/**
 * A device of one socket that acknowledges nothing. What it sends is written beforehand: its attack costs the
 * process that it shares with the embedded cloud no more than a write.
 */
export class RawDevice {
  readonly #socket: TLSSocket

  private constructor(socket: TLSSocket) {
    this.#socket = socket
  }

  /** Connected, once the broker has said so. */
  static async open({
    key,
    answer,
  }: {
    readonly key: string
    readonly answer: Activation
  }): Promise<RawDevice> {
    const { certificate: cert, deviceId: clientId } = answer
    const { host, port, ca } = answer.mqtt
    const socket = connect({ host, port, servername: host, ca, cert, key })
    socket.on('error', () => {})
    socket.write(
      mqttPacket.generate({
        ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4 },
        ...{ clean: true, clientId, keepalive: KEEP_ALIVE_SECONDS },
      }),
    )
    await once(socket, 'data')
    socket.resume()
    return new RawDevice(socket)
  }

  send(frames: Buffer): void {
    this.#socket.write(frames)
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Messages at QoS 0, one after the other. */
export function framesOf(messages: readonly (readonly [topic: string, text: string])[]): Buffer {
  return Buffer.concat(
    messages.map(([topic, payload]) =>
      mqttPacket.generate({
        ...{ cmd: 'publish', topic, payload },
        ...{ qos: 0, dup: false, retain: false },
      }),
    ),
  )
}
