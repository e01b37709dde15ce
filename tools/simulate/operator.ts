import type { Topic } from '@heliograph/protocol/identifiers'
import type { ProviderCertificate } from './certificates.ts'
import type { Device } from './device.ts'
import { invokeAsync } from './lambda.ts'
import { type HeldKey, makeKey } from './provider-keys.ts'
import type { World } from './world.ts'

/** A device, good or bad. */
type Revocable = Pick<Device, 'deviceId' | 'isRevoked'>

/** What an operator does while notifications flow. */
export class Operator {
  readonly #world: World
  /** Those that it has handed out, the newest last. */
  readonly keys: HeldKey[] = []
  readonly #revoked = new Map<ProviderCertificate, number>()
  readonly #shutOut = new Map<Revocable, number>()

  constructor(world: World) {
    this.#world = world
  }

  revokedAt(certificate: ProviderCertificate): number | undefined {
    return this.#revoked.get(certificate)
  }

  /** When the revocation of a device was done with (true time). */
  shutOutAt(device: Device): number | undefined {
    return this.#shutOut.get(device)
  }

  /** Until it succeeds: a schedule and a person both try again. */
  rotate(): void {
    const { functions, cloud } = this.#world
    functions.rotate.invoke(undefined, (result) => {
      if ('fault' in result) cloud.scheduler.after(5_000, () => this.rotate())
    })
  }

  revokeProvider(certificate: ProviderCertificate): void {
    const { scheduler, trace } = this.#world.cloud
    this.#world.providers.revoke(certificate.record.fingerprint, Math.floor(scheduler.now))
    this.#revoked.set(certificate, scheduler.now)
    trace.note(() => 'a provider certificate is revoked')
  }

  createKey(topics: readonly Topic[]): void {
    const { providerKeys, certificates, cloud } = this.#world
    const pair = certificates.keyPairs[this.keys.length]
    if (!pair) throw new Error('the simulation has no more key pairs')
    const key = makeKey(this.keys.length + 1, topics, pair, Math.floor(cloud.scheduler.now))
    providerKeys.save(key.record)
    this.keys.push(key)
    cloud.trace.note(() => `provider key ${key.record.keyId} is made for ${topics.join(' ')}`)
  }

  /** The newest, once another is there in its place. */
  replaceKey(): void {
    const { providerKeys, cloud } = this.#world
    const key = this.keys.at(-1)
    if (!key) return
    this.createKey(key.record.topics)
    providerKeys.revoke(key.record.keyId, Math.floor(cloud.scheduler.now))
    key.revokedAt = cloud.scheduler.now
    cloud.trace.note(() => `provider key ${key.record.keyId} is revoked`)
  }

  /** In the order of the CLI: the mark, the certificate, the connection, then every registration. */
  revokeDevice(device: Revocable): void {
    const { iot, devices, functions, cloud } = this.#world
    device.isRevoked = true
    devices.revoke(device.deviceId, Math.floor(cloud.scheduler.now))
    iot.bar(device.deviceId)
    cloud.trace.note(() => `${device.deviceId} is revoked`)
    const givenUp = () => cloud.ledger.givenUp.add(`revoke ${device.deviceId}`)
    const done = () => {
      if (!this.#shutOut.has(device)) this.#shutOut.set(device, cloud.scheduler.now)
    }
    invokeAsync(functions.revoke, device.deviceId, cloud, givenUp, done)
  }
}
