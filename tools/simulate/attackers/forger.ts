import { writeMessage } from '@heliograph/aws/notification-queue'
import { perCollapseIdOf } from '@heliograph/core/delivery/pending-rules'
import { slotName } from '@heliograph/core/delivery/slot-name'
import type { Notification } from '@heliograph/core/notification'
import type { DeviceId, NotificationId, Seq, Topic } from '@heliograph/protocol/identifiers'
import { Environment } from '../lambda.ts'
import type { World } from '../world.ts'

const HOUR = 3_600_000
const MONTH_SECONDS = 30 * 24 * 3_600

/**
 * Somebody who may write the pending table and send to the queue, but cannot unwrap a token key. What it
 * writes must end no genuine notification, keep none out of its slot, reach no device and tell no
 * provider anything. What is in a slot it leaves there: whoever may write the table can always lose it.
 */
export class Forger {
  readonly #world: World
  #environment: Environment | undefined

  constructor(world: World) {
    this.#world = world
  }

  act(deviceId: DeviceId, topic: Topic): void {
    const { pending, queue, slotQueue, expiry, cloud } = this.#world
    const forged = this.#forge(deviceId, topic)
    if (cloud.random.chance(0.3)) {
      const isSlotOnly = cloud.random.chance(0.5)
      cloud.trace.note(() => `somebody forges a message for ${deviceId}`)
      const target = cloud.random.chance(0.5) ? queue : slotQueue
      target.forge(writeMessage(forged, isSlotOnly))
    } else if (!pending.holdsGenuine(deviceId, slotName(forged))) {
      cloud.trace.note(() => `somebody forges a row for ${deviceId}, ${forged.seq}`)
      pending.forge(forged)
      expiry.watch(forged)
    }
    cloud.ledger.forged(forged.seq)
  }

  #forge(deviceId: DeviceId, topic: Topic): Notification {
    const { random, scheduler } = this.#world.cloud
    this.#environment ??= new Environment('forger', this.#world.cloud)
    const { ids } = this.#environment
    const at = Math.floor(scheduler.now + random.between(-HOUR, HOUR))
    const seconds = Math.floor(scheduler.now / 1000)
    return {
      id: ids.uuid() as NotificationId,
      uniqueId: ids.uuid(),
      idFromProvider: random.chance(0.5),
      seq: ids.seq(at) as Seq,
      deviceId,
      topic,
      tokenFingerprint: '000000000000',
      acceptedAt: at,
      expiration: seconds + random.pick([-10, 30, 3_600, MONTH_SECONDS]),
      priority: 10,
      pushType: 'alert',
      ...this.#collapsing(topic),
      payload: '{"aps":{"alert":"forged"}}',
      seal: this.#seal(),
    }
  }

  /** Only where it counts, so that other runs stay as they were. */
  #collapsing(topic: Topic): Pick<Notification, 'collapseId' | 'perCollapseId'> {
    const { random } = this.#world.cloud
    const perCollapseId = perCollapseIdOf(this.#world.pendingRules, topic)
    if (perCollapseId === undefined || random.chance(0.2)) return {}
    return { perCollapseId, ...(random.chance(0.6) && { collapseId: `collapse ${random.int(4)}` }) }
  }

  /** None, any, or that of a genuine notification. */
  #seal(): string {
    const { random, ledger } = this.#world.cloud
    const genuine = [...ledger.lives.values()].map(({ notification }) => notification.seal)
    const any = Buffer.from(random.bytes(16)).toString('base64url')
    return random.pick(['', any, ...genuine.slice(-3)])
  }
}
