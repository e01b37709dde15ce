import type { Connections } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { type DownTopic, downTopics } from '@heliograph/protocol/mqtt-topic'
import type { ChannelHub } from './channel-hub.ts'
import type { EndReason } from './packets.ts'
import type { Session } from './session.ts'

/** The default time to wait for a device's acknowledgement, milliseconds. */
const PATIENCE_MS = 5_000

const topicBytes = new Map<DownTopic, Buffer>(
  Object.values(downTopics).map((topic) => [topic, Buffer.from(topic)]),
)

/** Who is connected: one session for each device, and what the rules ask of it. */
export class Sessions implements Connections {
  readonly #byDevice = new Map<DeviceId, Session>()
  readonly channels: ChannelHub

  constructor(channels: ChannelHub) {
    this.channels = channels
  }

  get count(): number {
    return this.#byDevice.size
  }

  all(): IterableIterator<Session> {
    return this.#byDevice.values()
  }

  find(deviceId: DeviceId): Session | undefined {
    return this.#byDevice.get(deviceId)
  }

  /** From now on the device gets messages; an older connection of it ends [MQTT-3.1.4-2]. */
  begin(session: Session): void {
    const { deviceId } = session.facts
    const older = this.#byDevice.get(deviceId)
    this.#byDevice.set(deviceId, session)
    if (!older) return
    older.end('takenOver')
    this.#abandon(older)
  }

  /** To be called when the connection has closed. */
  forget(session: Session): void {
    const { deviceId } = session.facts
    if (this.#byDevice.get(deviceId) === session) this.#byDevice.delete(deviceId)
    this.#abandon(session)
  }

  /** Ends the connection of a device; says whether there was one. */
  close(deviceId: DeviceId, reason: EndReason): boolean {
    const session = this.#byDevice.get(deviceId)
    if (!session) return false
    this.#byDevice.delete(deviceId)
    session.end(reason)
    this.#abandon(session)
    return true
  }

  #abandon(session: Session): void {
    // first, so that it is sent nothing for what it no longer owes
    this.channels.forget(session)
    session.abandon()
  }

  send: Connections['send'] = (deviceId, topic, message, patienceMs = PATIENCE_MS) => {
    const session = this.#byDevice.get(deviceId)
    if (!session) return offline
    return session.send(bytesOf(topic), message, patienceMs)
  }

  tell: Connections['tell'] = async (deviceId, topic, message) =>
    this.#byDevice.get(deviceId)?.tell(bytesOf(topic), message) ?? 'offline'
}

const offline = Promise.resolve('offline' as const)

function bytesOf(topic: DownTopic): Buffer {
  return topicBytes.get(topic) ?? Buffer.from(topic)
}
