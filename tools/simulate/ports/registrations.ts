import type { Registration, Registrations } from '@heliograph/core/ports'
import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'
import type { Access } from './access.ts'

interface Row extends Registration {
  readonly changedAt: number
}

/** All registrations, with the conditions of aws/registrations. Every method happens at once. */
export class RegistrationStore {
  readonly #rows = new Map<DeviceId, Map<Topic, Row>>()
  readonly #watch: (registration: Registration) => void

  constructor(watch: (registration: Registration) => void = () => {}) {
    this.#watch = watch
  }

  find(deviceId: DeviceId, topic: Topic): Registration | undefined {
    const row = this.#rows.get(deviceId)?.get(topic)
    return row && withoutChange(row)
  }

  list(deviceId: DeviceId): Registration[] {
    return [...(this.#rows.get(deviceId)?.values() ?? [])].map(withoutChange)
  }

  reserve(deviceId: DeviceId, topic: Topic, at: number): void {
    const rows = this.#rows.get(deviceId) ?? new Map()
    if (rows.has(topic)) return
    const reserved = { deviceId, topic, live: false, changedAt: 0, registeredAt: at }
    this.#rows.set(deviceId, rows.set(topic, reserved))
  }

  change(deviceId: DeviceId, topic: Topic, live: boolean, at: number): Registration {
    const row = this.#rows.get(deviceId)?.get(topic)
    if (!row && !live) throw new Error(`device ${deviceId} is not registered for ${topic}`)
    const changed = change(row, { deviceId, topic, live, at })
    if (!changed) return withoutChange(row as Row)
    const rows = this.#rows.get(deviceId) ?? new Map()
    this.#rows.set(deviceId, rows.set(topic, changed))
    if (row?.live !== live) this.#watch(withoutChange(changed))
    return withoutChange(changed)
  }

  revoke(deviceId: DeviceId, topic: Topic, at: number): Registration {
    const row = this.#rows.get(deviceId)?.get(topic)
    if (!row) throw new Error(`device ${deviceId} is not registered for ${topic}`)
    const died = row.live && { unregisteredAt: Math.max(at, row.registeredAt + 1) }
    const revoked = { ...row, ...died, live: false, changedAt: Number.POSITIVE_INFINITY }
    this.#rows.get(deviceId)?.set(topic, revoked)
    if (row.live) this.#watch(withoutChange(revoked))
    return withoutChange(revoked)
  }
}

interface Change extends Pick<Registration, 'deviceId' | 'topic' | 'live'> {
  readonly at: number
}

/** The row after the change, or undefined where its condition does not hold. */
function change(row: Row | undefined, { at, ...state }: Change): Row | undefined {
  if (!row) return { ...state, changedAt: at, registeredAt: at }
  if (state.live) {
    if (row.changedAt > at) return undefined
    return { ...row, live: true, changedAt: at, registeredAt: row.live ? row.registeredAt : at }
  }
  if (row.changedAt >= at) return undefined
  return row.live
    ? { ...row, live: false, changedAt: at, unregisteredAt: at }
    : { ...row, changedAt: at }
}

function withoutChange({ changedAt: _, ...registration }: Row): Registration {
  return registration
}

export function memoryRegistrations(store: RegistrationStore, access: Access): Registrations {
  return {
    find: (deviceId, topic) =>
      access('registrations.find', `${deviceId}/${topic}`, () => store.find(deviceId, topic)),
    findAll: (keys) => {
      const subject = keys.map(({ deviceId, topic }) => `${deviceId}/${topic}`).join(' ')
      return access('registrations.find', subject, () =>
        keys.map(({ deviceId, topic }) => store.find(deviceId, topic)),
      )
    },
    list: (deviceId) => access('registrations.list', deviceId, () => store.list(deviceId)),
    reserve: (deviceId, topic, at) =>
      access('registrations.reserve', `${deviceId}/${topic}`, () =>
        store.reserve(deviceId, topic, at),
      ),
    change: (deviceId, topic, live, at) =>
      access(live ? 'registrations.live' : 'registrations.dead', `${deviceId}/${topic}`, () =>
        store.change(deviceId, topic, live, at),
      ),
    revoke: (deviceId, topic, at) =>
      access('registrations.revoke', `${deviceId}/${topic}`, () =>
        store.revoke(deviceId, topic, at),
      ),
  }
}
