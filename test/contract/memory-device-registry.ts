import { certificateIdOf } from '@heliograph/core/devices/activate'
import type { DeviceRegistry } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'

interface Entry {
  readonly isRevoked: boolean
  readonly hasPolicy: boolean
  /** The one thing that it belongs to. */
  readonly thing?: DeviceId
}

/** What happens around one step of a call; it throws to make the step fail, before or after. */
export type Step = (work: () => void) => void

/** IoT Core's registry in memory, changed in the same steps. */
export class MemoryDeviceRegistry implements DeviceRegistry {
  readonly #certificates = new Map<string, Entry>()
  readonly #things = new Set<DeviceId>()
  readonly #step: Step

  constructor(step: Step = (work) => work()) {
    this.#step = step
  }

  async admit(deviceId: DeviceId, certificate: string): Promise<void> {
    const id = certificateIdOf(certificate)
    this.#step(() => this.#things.add(deviceId))
    this.#step(() => this.#change(id, {}))
    this.#step(() => this.#change(id, { hasPolicy: true }))
    this.#step(() => {
      const owner = this.#certificates.get(id)?.thing
      if (owner !== undefined && owner !== deviceId)
        throw new Error(`the certificate is attached to the thing ${owner}`)
      this.#change(id, { thing: deviceId })
    })
  }

  async retire(deviceId: DeviceId, certificateId: string): Promise<void> {
    this.#step(() => {})
    if (!this.#certificates.has(certificateId)) return
    this.#step(() => this.#change(certificateId, { isRevoked: true }))
    this.#step(() => this.#change(certificateId, { hasPolicy: false }))
    this.#step(() => {
      if (this.#certificates.get(certificateId)?.thing !== deviceId) return
      const { thing: _detached, ...rest } = this.#entry(certificateId)
      this.#certificates.set(certificateId, rest)
    })
  }

  /** Whether a device that holds the key of this certificate may connect with this id. */
  letsIn(deviceId: DeviceId, certificateId: string): boolean {
    const { isRevoked, hasPolicy, thing } = this.#entry(certificateId)
    return this.#things.has(deviceId) && !isRevoked && hasPolicy && thing === deviceId
  }

  attachedTo(deviceId: DeviceId): string[] {
    return [...this.#certificates].flatMap(([id, { thing }]) => (thing === deviceId ? [id] : []))
  }

  addThing(deviceId: DeviceId): void {
    this.#things.add(deviceId)
  }

  delete(certificateId: string): void {
    this.#certificates.delete(certificateId)
  }

  #change(id: string, changes: Partial<Entry>): void {
    this.#certificates.set(id, { ...this.#entry(id), ...changes })
  }

  #entry(id: string): Entry {
    return this.#certificates.get(id) ?? { isRevoked: false, hasPolicy: false }
  }
}
