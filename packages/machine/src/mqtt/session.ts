import type { TLSSocket } from 'node:tls'
import type { Sent, Told } from '@heliograph/core/ports'
import { publishFrame } from '@heliograph/listener/publish-frame'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { DeviceLimits } from './limits.ts'
import { disconnect, type EndReason, type Version } from './packets.ts'

/** Who is at the other end, as its certificate and its CONNECT say. */
export interface SessionFacts {
  readonly deviceId: DeviceId
  /** SHA-256 of the certificate's DER, hex. */
  readonly certificateId: string
  readonly version: Version
  /** Seconds. */
  readonly keepAlive: number
  /** How many unacknowledged messages the device takes at a time [MQTT 5, 3.1.2.11.3]. */
  readonly receiveMaximum: number
  readonly connectedAt: number
}

interface Waiting {
  readonly resolve: (sent: Sent) => void
  readonly timer: NodeJS.Timeout
}

/**
 * The connection of one admitted device: what is sent to it, and which messages it has yet to
 * acknowledge.
 */
export class Session {
  readonly facts: SessionFacts
  readonly socket: TLSSocket
  /** `performance.now()` of the last whole packet. */
  heardAt = performance.now()
  endReason: string | undefined
  /** Called whenever something has been acknowledged, or nothing more is expected of it. */
  settled: (() => void) | undefined
  readonly #limits: DeviceLimits
  readonly #window: number
  readonly #unacknowledged = new Map<number, Waiting>()
  #lastId = 0
  #takenBytes = 0
  #takenAt = performance.now()

  constructor(socket: TLSSocket, facts: SessionFacts, limits: DeviceLimits) {
    this.socket = socket
    this.facts = facts
    this.#limits = limits
    this.#window = Math.min(limits.unacknowledged, facts.receiveMaximum)
  }

  /** How many unacknowledged messages the device takes at a time. */
  get window(): number {
    return this.#window
  }

  /** Whether a message can be sent with QoS 1 while no more than so many bytes wait to be written. */
  hasRoom(unwrittenBytes = this.#limits.unwrittenBytes): boolean {
    const { writable, writableLength } = this.socket
    return writable && writableLength <= unwrittenBytes && this.#unacknowledged.size < this.#window
  }

  /** Sends with QoS 1; resolves to the result after `patienceMs` at the latest. */
  send(
    topic: Buffer,
    message: Buffer | string,
    patienceMs: number,
    isRetained = false,
  ): Promise<Sent> {
    const { socket } = this
    if (!socket.writable) return offline
    if (!this.hasRoom()) return busy
    const id = this.#nextId()
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(id, 'unconfirmed'), patienceMs)
      this.#unacknowledged.set(id, { resolve, timer })
      socket.write(publishFrame(topic, message, id, this.facts.version, isRetained))
    })
  }

  /** Sends with QoS 0. */
  tell(topic: Buffer, message: Buffer | string, isRetained = false): Told {
    if (!this.socket.writable) return 'offline'
    if (this.socket.writableLength > this.#limits.unwrittenBytes) return 'busy'
    this.socket.write(publishFrame(topic, message, undefined, this.facts.version, isRetained))
    return 'told'
  }

  /** The device has the message; false if nothing waits for the id: it has timed out, or is made up. */
  acknowledge(id: number): boolean {
    return this.#settle(id, 'acknowledged')
  }

  /** Ends the connection; under MQTT 5 the device is told why. */
  end(reason: EndReason): void {
    this.endReason ??= reason
    if (this.facts.version === 5 && this.socket.writable) this.socket.end(disconnect(reason))
    else this.socket.end()
    // do not wait for a client that does not end its side
    setTimeout(() => this.socket.destroy(), 1_000).unref()
  }

  /** Nothing that is under way will be acknowledged: the device may or may not have it. */
  abandon(): void {
    for (const id of [...this.#unacknowledged.keys()]) this.#settle(id, 'unconfirmed')
  }

  /** Why the connection is no longer of use, if so. Times as `performance.now()`. */
  problemAt(now: number): EndReason | 'stalled' | undefined {
    // [MQTT-3.1.2-24]
    if (now - this.heardAt > this.facts.keepAlive * 1_500) return 'keepAliveTimeout'
    const { writableLength, bytesWritten } = this.socket
    // Node counts what waits among the written
    const taken = bytesWritten - writableLength
    if (writableLength === 0 || taken !== this.#takenBytes) {
      this.#takenBytes = taken
      this.#takenAt = now
    }
    return now - this.#takenAt > this.#limits.stalledMs ? 'stalled' : undefined
  }

  #settle(id: number, sent: Sent): boolean {
    const waiting = this.#unacknowledged.get(id)
    if (!waiting) return false
    this.#unacknowledged.delete(id)
    clearTimeout(waiting.timer)
    waiting.resolve(sent)
    this.settled?.()
    return true
  }

  /** From 1 to 65,535 [MQTT-2.3.1-1]; one that is owed for is passed over. */
  #nextId(): number {
    do this.#lastId = this.#lastId >= 65_535 ? 1 : this.#lastId + 1
    while (this.#unacknowledged.has(this.#lastId))
    return this.#lastId
  }
}

const offline: Promise<Sent> = Promise.resolve('offline')
const busy: Promise<Sent> = Promise.resolve('busy')
