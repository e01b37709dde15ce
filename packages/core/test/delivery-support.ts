import type { DeviceId, TokenKeyId, Topic } from '@heliograph/protocol/identifiers'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import type { OutcomeKind } from '@heliograph/protocol/outcome'
import { isGenuine, SetClock, seqAt, topicA, topicB } from '../../../test/contract/samples.ts'
import { atOnce } from '../../../tools/simulate/ports/access.ts'
import { ClaimStore, memoryClaims } from '../../../tools/simulate/ports/claims.ts'
import { DeviceStore, memoryDevices } from '../../../tools/simulate/ports/devices.ts'
import { FeedbackStore, memoryFeedback } from '../../../tools/simulate/ports/feedback.ts'
import { memoryPending, PendingStore } from '../../../tools/simulate/ports/pending.ts'
import {
  memoryRegistrations,
  RegistrationStore,
} from '../../../tools/simulate/ports/registrations.ts'
import { memoryTokenKeyRing, TokenKeys } from '../../../tools/simulate/ports/token-keys.ts'
import type { DeliverPorts } from '../src/delivery/deliver.ts'
import type { IsGenuine } from '../src/delivery/seal.ts'
import { silence } from '../src/delivery/silence.ts'
import { type DeviceBudget, deviceBudget } from '../src/devices/device-budget.ts'
import type { Outcome } from '../src/outcome.ts'
import type { DeadToken, DeadTokens, FeedbackRow, Registrations, Sent } from '../src/ports.ts'

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
  readonly deaths: DeadToken[] = []
  /** How many outcomes were recorded together. */
  readonly together: number[] = []
  readonly queued: { readonly seq: string; readonly delaySeconds?: number }[] = []
  /** What comes of the next direct messages with a notification; the last one stays. */
  answers: Sent[] = ['acknowledged']
  /** Happens before a notification is sent. */
  beforeSend: () => void | Promise<void> = () => {}
  readonly ports: DeliverPorts & {
    readonly isGenuine: IsGenuine
    readonly budget: DeviceBudget
    readonly deadTokens: DeadTokens
    readonly ring: ReturnType<typeof memoryTokenKeyRing>
    readonly devices: ReturnType<typeof memoryDevices>
    readonly registrations: Registrations
    readonly providers: { knowsTopic(topic: string): Promise<boolean> }
    readonly providerKeys: { knowsTopic(topic: string): Promise<boolean> }
  }

  constructor() {
    const ids = { uuid: () => '', bytes: () => new Uint8Array(), seq: seqAt }
    this.keys.create('01J00000000000000000000001' as TokenKeyId, this.clock.time - 1_000)
    this.ports = {
      clock: this.clock,
      connections: {
        send: (deviceId, topic, text) => this.#send(deviceId, topic, text),
        tell: async (...call) => {
          await this.#send(...call)
          return 'told'
        },
      },
      pending: memoryPending(this.slots, atOnce, isGenuine),
      isGenuine,
      budget: deviceBudget(),
      devices: memoryDevices(this.devices, atOnce),
      registrations: memoryRegistrations(this.registry, atOnce),
      feedback: memoryFeedback(this.feedbackRows, atOnce, this.clock, ids),
      claims: memoryClaims(new ClaimStore(), atOnce, this.clock),
      outcomes: {
        record: (outcome) => this.outcomes.push(outcome),
        recordTogether: (outcomes) => {
          this.together.push(outcomes.length)
          this.outcomes.push(...outcomes)
        },
      },
      deadTokens: { record: (dead) => void this.deaths.push(dead) },
      ring: memoryTokenKeyRing(this.keys, atOnce, this.clock),
      providers: { knowsTopic: async (topic) => [topicA, topicB].includes(topic as Topic) },
      providerKeys: { knowsTopic: async () => false },
      silence: silence(),
      patienceMs: 1_000,
      queue: {
        send: async ({ seq }, { slotOnly, ...options } = {}) => {
          if (!slotOnly) throw new Error('only slots are retried')
          this.queued.push({ seq, ...options })
        },
        sendMulticasts: async () => {
          throw new Error('only slots are retried')
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
