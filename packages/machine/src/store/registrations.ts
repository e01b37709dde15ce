import type { RegistrationRecords } from '@heliograph/core/operator-ports'
import type { Registration, Registrations } from '@heliograph/core/ports'
import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'
import type { Environment } from './environment.ts'
import { ofDevice } from './ranges.ts'

/** As it is kept: `changedAt` is the time of the latest request, also of one that changed nothing. */
interface Row {
  readonly live: boolean
  readonly changedAt: number
  readonly registeredAt: number
  readonly unregisteredAt?: number
  readonly expiredAt?: number
}

/** Remembered rows of devices that are sent to: some 300 bytes each. */
const MOST_KNOWN = 10_000

/** The greatest time that a Date can hold: every request is older, and so comes too late. */
const NEVER = 8_640_000_000_000_000

/** Every request is later, and so counts. */
const FIRST = 0

export function registrations(environment: Environment): Registrations & RegistrationRecords {
  const rows = environment.table<Row, [DeviceId, Topic]>('registrations')

  /** What every notification asks for. Only this process changes them. */
  const known = new Map<string, Registration>()

  /** In a transaction, as `decide` says; then the row is read again. */
  async function inTransaction<T>(
    deviceId: DeviceId,
    topic: Topic,
    decide: (row: Row | undefined) => T,
  ): Promise<T> {
    try {
      return await environment.change(() => decide(rows.get([deviceId, topic])))
    } finally {
      known.delete(nameOf(deviceId, topic))
    }
  }

  /** Stores the row that `decide` returns if it has changed; returns the current row. */
  function change(
    deviceId: DeviceId,
    topic: Topic,
    decide: (row: Row | undefined) => Row | undefined,
  ): Promise<Registration> {
    return inTransaction(deviceId, topic, (row) => {
      const changed = decide(row)
      if (!changed) throw new Error(`device ${deviceId} is not registered for ${topic}`)
      if (changed !== row) rows.put([deviceId, topic], changed)
      return registrationOf(deviceId, topic, changed)
    })
  }

  function read(deviceId: DeviceId, topic: Topic): Registration | undefined {
    const name = nameOf(deviceId, topic)
    const before = known.get(name)
    if (before) return before
    const row = rows.get([deviceId, topic])
    if (!row) return undefined
    const registration = registrationOf(deviceId, topic, row)
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(name, registration)
    return registration
  }

  return {
    find: async (deviceId, topic) => read(deviceId, topic),

    findAll: async (keys) => keys.map(({ deviceId, topic }) => read(deviceId, topic)),

    list: async (deviceId) =>
      [...rows.getRange(ofDevice(deviceId))].map(({ key, value }) => registrationOf(...key, value)),

    reserve: async (deviceId, topic, at) => {
      const reserved = { live: false, changedAt: FIRST, registeredAt: at }
      await change(deviceId, topic, (row) => row ?? reserved)
    },

    change: (deviceId, topic, live, at) =>
      change(deviceId, topic, (row) => (live ? madeLive(row, at) : madeDead(row, at))),

    revoke: (deviceId, topic, at) => change(deviceId, topic, (row) => row && revoked(row, at)),

    noteExpiry: (deviceId, topic, at) =>
      inTransaction(deviceId, topic, (row) => {
        if (row?.unregisteredAt !== at) return false
        rows.put([deviceId, topic], { ...row, expiredAt: at })
        return true
      }),
  }
}

function nameOf(deviceId: DeviceId, topic: Topic): string {
  return `${deviceId} ${topic}`
}

function madeLive(row: Row | undefined, at: number): Row {
  if (!row) return { live: true, changedAt: at, registeredAt: at }
  if (row.changedAt > at) return row
  return { ...row, live: true, changedAt: at, registeredAt: row.live ? row.registeredAt : at }
}

function madeDead(row: Row | undefined, at: number): Row | undefined {
  if (!row || row.changedAt >= at) return row
  return row.live
    ? { ...row, live: false, changedAt: at, unregisteredAt: at }
    : { ...row, changedAt: at }
}

function revoked(row: Row, at: number): Row {
  const died = row.live && { unregisteredAt: Math.max(at, row.registeredAt + 1) }
  return { ...row, ...died, live: false, changedAt: NEVER }
}

function registrationOf(
  deviceId: DeviceId,
  topic: Topic,
  { changedAt: _, ...row }: Row,
): Registration {
  return { deviceId, topic, ...row }
}
