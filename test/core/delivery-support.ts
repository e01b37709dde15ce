import type { DeliverPorts } from '../../core/deliver.ts'
import type { DeviceId, TokenKeyId, Topic } from '../../core/identifiers.ts'
import type { Outcome, OutcomeKind } from '../../core/outcome.ts'
import { downTopics, type FeedbackRow, type Sent } from '../../core/ports.ts'
import { SetClock, seqAt, topicA, topicB } from '../contract/samples.ts'

import { atOnce } from '../simulation/ports/access.ts'
import { ClaimStore, memoryClaims } from '../simulation/ports/claims.ts'
import { DeviceStore, memoryDevices } from '../simulation/ports/devices.ts'
import { FeedbackStore, memoryFeedback } from '../simulation/ports/feedback.ts'
import { memoryPending, PendingStore } from '../simulation/ports/pending.ts'
import { memoryRegistrations, RegistrationStore } from '../simulation/ports/registrations.ts'
import { memoryTokenKeyRing, TokenKeys } from '../simulation/ports/token-keys.ts'

/** A direct message that a rule sent. */
export interface Told {
  readonly deviceId: DeviceId
  readonly topic: string
  readonly message: Record<string, unknown>
}

/** The ports of deliver, connect, register and unregister in memory, and what the rules did with them. */
export class Delivery {
  readonly clock = new SetClock()
  readonly slots = new PendingStore()
  readonly registry = new RegistrationStore()
  readonly devices = new DeviceStore()
  readonly feedbackRows = new FeedbackStore()
  readonly keys = new TokenKeys((length) =>
    new Uint8Array(length).fill(this.keys.list().length + 1),
  )
  readonly told: Told[] = []
  readonly outcomes: Outcome[] = []
  readonly queued: { readonly seq: string; readonly delaySeconds?: number }[] = []
  /** What comes of the next direct messages with a notification; the last one stays. */
  answers: Sent[] = ['acknowledged']
  /** Happens before a notification is sent. */
  beforeSend: () => void | Promise<void> = () => {}
  readonly ports: DeliverPorts & {
    readonly ring: ReturnType<typeof memoryTokenKeyRing>
    readonly devices: ReturnType<typeof memoryDevices>
    readonly providers: { knowsTopic(topic: string): Promise<boolean> }
  }

  constructor() {
    const ids = { uuid: () => '', bytes: () => new Uint8Array(), seq: seqAt }
    this.keys.create('01J00000000000000000000001' as TokenKeyId, this.clock.time - 1_000)
    this.ports = {
      clock: this.clock,
      connections: { send: (...call) => this.#send(...call) },
      pending: memoryPending(this.slots, atOnce),
      devices: memoryDevices(this.devices, atOnce),
      registrations: memoryRegistrations(this.registry, atOnce),
      feedback: memoryFeedback(this.feedbackRows, atOnce, this.clock, ids),
      claims: memoryClaims(new ClaimStore(), atOnce, this.clock),
      outcomes: { record: (outcome) => this.outcomes.push(outcome) },
      ring: memoryTokenKeyRing(this.keys, atOnce, this.clock),
      providers: { knowsTopic: async (topic) => [topicA, topicB].includes(topic as Topic) },
      queue: {
        send: async ({ seq }, { slotOnly, ...options } = {}) => {
          if (!slotOnly) throw new Error('only slots are retried')
          this.queued.push({ seq, ...options })
        },
      },
    }
  }

  /** The kinds of the outcomes so far. */
  get kinds(): OutcomeKind[] {
    return this.outcomes.map(({ kind }) => kind)
  }

  /** The notifications sent so far: whether each was marked as stored. */
  get sent(): { seq: unknown; stored: unknown }[] {
    return this.told
      .filter(({ topic }) => topic === downTopics.notification)
      .map(({ message }) => ({ seq: message.seq, stored: message.stored }))
  }

  feedback(topic = topicA): readonly FeedbackRow[] {
    return this.feedbackRows.all(topic)
  }

  register(deviceId: DeviceId, topic = topicA): void {
    this.registry.change(deviceId, topic, true, this.clock.time - 500)
  }

  async #send(deviceId: DeviceId, topic: string, text: string): Promise<Sent> {
    if (topic === downTopics.notification) await this.beforeSend()
    this.told.push({ deviceId, topic, message: JSON.parse(text) })
    if (topic !== downTopics.notification) return 'acknowledged'
    return (this.answers.length > 1 ? this.answers.shift() : this.answers[0]) ?? 'offline'
  }
}
