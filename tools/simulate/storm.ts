import type { Topic } from '@heliograph/protocol/identifiers'
import type { Forger } from './attackers/forger.ts'
import type { HostileDevice } from './attackers/hostile-device.ts'
import type { Device } from './device.ts'
import type { Operator } from './operator.ts'
import type { Provider } from './provider.ts'
import type { FeedbackReader } from './reader.ts'
import type { Settings } from './settings.ts'
import type { World } from './world.ts'

export interface Actors {
  readonly devices: readonly Device[]
  readonly topics: readonly Topic[]
  readonly provider: Provider
  readonly operator: Operator
  readonly readers: readonly FeedbackReader[]
  readonly forger: Forger
  readonly hostile: HostileDevice
}

/** How long the apps of a device fail at a time, in milliseconds. */
const FAILING = { shortest: 100, longest: 120_000 }

/** One for a single topic, one for all, and one in its place. */
const MOST_KEYS = 3

/** A time in which everybody acts and everything may fail; over when the provider has sent enough. */
export class Storm {
  readonly #world: World
  readonly #settings: Settings
  readonly #actors: Actors
  readonly #quota: number
  #isOver = false

  constructor(world: World, settings: Settings, actors: Actors, quota: number) {
    this.#world = world
    this.#settings = settings
    this.#actors = actors
    this.#quota = quota
  }

  /** Runs the storm; when it is over, whatever it has begun is still going on. */
  async rage(): Promise<void> {
    const { scheduler, faults } = this.#world.cloud
    faults.isStormy = true
    this.#send()
    for (const device of this.#actors.devices) this.#comeAndGo(device)
    this.#operate()
    this.#read()
    this.#attack()
    while (!this.#isOver) await scheduler.runUntil(scheduler.now + this.#settings.sendGap)
    this.#calmDown()
  }

  /** What was broken is mended, as it would be in the end; nobody reconnects without a cause. */
  #calmDown(): void {
    const { cloud, iot } = this.#world
    cloud.faults.isStormy = false
    for (const device of this.#actors.devices) {
      device.failsUntil = 0
      iot.setRefusing(device.deviceId, false)
      if (!device.connection?.isHalfDead) continue
      device.disconnect()
      device.connect()
    }
    cloud.trace.note(() => '--- calm')
  }

  #send(): void {
    const { random } = this.#world.cloud
    const { provider, devices, topics } = this.#actors
    const { lives } = this.#world.cloud.ledger
    const { together } = this.#settings.provider
    const until = lives.size + this.#quota
    let tries = 0
    const step = () => {
      tries += 1
      if (together > 0 && random.chance(together))
        provider.sendToMany(this.#some(devices), random.pick(topics))
      else provider.send(random.pick(devices), random.pick(topics))
      // devices may have left every topic: then there is nobody to send to
      if (lives.size >= until || tries > 4 * this.#quota) this.#isOver = true
      else this.#later(this.#settings.sendGap, step)
    }
    this.#later(this.#settings.sendGap, step)
  }

  /** Up to twice as many as there are, so that some appear twice. */
  #some(devices: readonly Device[]): Device[] {
    const { random } = this.#world.cloud
    return Array.from({ length: 1 + random.int(2 * devices.length) }, () => random.pick(devices))
  }

  #comeAndGo(device: Device): void {
    const { stay, away } = this.#settings
    const step = () => {
      this.#change(device)
      this.#later(device.isConnected ? stay : away, step)
    }
    this.#later(device.isConnected ? stay : away, step)
  }

  #change(device: Device): void {
    const { cloud, iot } = this.#world
    const { random, scheduler } = cloud
    const { halfDead, failing, leaves } = this.#settings.device
    if (device.isRevoked) return
    if (!device.isConnected) device.connect()
    else if (device.connection && random.chance(halfDead)) iot.stall(device.connection)
    else if (random.chance(failing))
      device.failsUntil = scheduler.now + random.logBetween(FAILING.shortest, FAILING.longest)
    else if (random.chance(leaves)) this.#leaveOrReturn(device)
    else if (random.chance(0.2)) device.connect()
    else device.disconnect()
  }

  /** Never both ways for one topic in one millisecond, but leaving and coming back: then live wins. */
  #leaveOrReturn(device: Device): void {
    const { random } = this.#world.cloud
    const topic = random.pick(this.#actors.topics)
    if (device.wants(topic)) {
      device.unregister(topic)
      if (random.chance(0.5)) device.register(topic)
    } else device.register(topic)
    if (random.chance(0.3)) device.disconnect()
  }

  #operate(): void {
    const { operator: habits } = this.#settings
    const { operator, devices } = this.#actors
    const { random } = this.#world.cloud
    const length = this.#settings.sendGap * this.#quota
    const [, second] = this.#world.certificates.good
    if (habits.rotates) this.#later(length, () => operator.rotate())
    if (habits.revokesProvider && second)
      this.#later(length, () => !operator.revokedAt(second) && operator.revokeProvider(second))
    if (habits.revokesDevice) this.#later(length, () => operator.revokeDevice(random.pick(devices)))
    if (habits.revokesKey)
      this.#later(length, () => operator.keys.length < MOST_KEYS && operator.replaceKey())
    if (habits.deviceRefused > 0) this.#later(length / 4, () => this.#refuse())
  }

  #refuse(): void {
    const { random } = this.#world.cloud
    const { deviceId } = random.pick(this.#actors.devices)
    this.#world.iot.setRefusing(deviceId, true)
    this.#later(this.#settings.sendGap, () => this.#world.iot.setRefusing(deviceId, false))
  }

  #attack(): void {
    const { attacks, sendGap } = this.#settings
    const { forger, hostile, devices, topics } = this.#actors
    const { random } = this.#world.cloud
    const forge = () => forger.act(random.pick(devices).deviceId, random.pick(topics))
    if (attacks.forger > 0) this.#repeatedly(attacks.forger * sendGap, forge)
    if (attacks.device > 0) this.#repeatedly(attacks.device * sendGap, () => hostile.act())
    if (attacks.device > 0) this.#later(sendGap * this.#quota, () => this.#revoke(hostile))
  }

  /** While what it has just asked for is still being worked. */
  #revoke(hostile: HostileDevice): void {
    const { scheduler, random } = this.#world.cloud
    hostile.act()
    scheduler.after(random.between(0, 100), () => this.#actors.operator.revokeDevice(hostile))
  }

  #repeatedly(mean: number, act: () => void): void {
    this.#later(mean, () => {
      act()
      this.#repeatedly(mean, act)
    })
  }

  #read(): void {
    const length = this.#settings.sendGap * this.#quota
    for (const reader of this.#actors.readers) {
      const step = () => reader.next(() => this.#later(length / 5, step))
      this.#later(length / 5, step)
    }
  }

  /** Only as long as the storm lasts. */
  #later(mean: number, step: () => void): void {
    const { scheduler, random } = this.#world.cloud
    scheduler.after(random.wait(mean), () => !this.#isOver && step())
  }
}
