import type { Presences } from '@heliograph/core/operator-ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { Inside, World } from './inside.ts'
import { faultFields } from './log.ts'
import { broadcasts } from './mqtt/broadcasts.ts'
import { writeBackup } from './operator/backup.ts'
import { machineOperations } from './operator/machine-operations.ts'
import { operatorPorts } from './operator/ports.ts'
import { receiptStats } from './operator/receipt-stats.ts'
import { type OperatorServer, startOperatorServer } from './operator/server.ts'
import { RECEIPT_DAYS } from './store/store.ts'
import { GRACE_MS } from './trust/rotation.ts'

export interface OperatorDoorParts {
  readonly keySource: string
  readonly presences: Presences
  disconnect(deviceId: DeviceId, certificateId: string): void
  trustAnew(): Promise<void>
  /** PEM: what clients check the servers' certificates against. */
  readonly serverAuthority: string
  readonly ports: Readonly<Record<'provider' | 'activation' | 'devices', number>>
}

/** Opens the socket that the operator's command works through. */
export function serveOperator(
  world: World,
  inside: Inside,
  parts: OperatorDoorParts,
): Promise<OperatorServer> {
  const { folder, settings, clock, ids, log } = world
  const { store, trust, pending, pipeline, journal, outcomes, events, deadLetters, sessions } =
    inside
  const { isGenuine, move } = inside
  const { presences, disconnect, keySource } = parts
  const { stage } = settings
  const machine = machineOperations({
    ...{
      stage,
      folder,
      clock,
      store,
      keySource,
      deadLetters,
      isGenuine,
      queue: pipeline,
      events,
      move,
    },
    entrances: entrancesOf(settings.host, parts),
    connectedDevices: () => sessions.count,
    underWay: () => ({ notifications: pipeline.open, slots: pipeline.waitingSlots }),
    problem: () => inside.problem(),
  })
  const ports = operatorPorts({
    ...{ clock, ids, graceMs: GRACE_MS, store, trust, pending, presences, disconnect },
    broadcasts: broadcasts(sessions.channels, store.retained),
    ...{ outcomes, events, trustAnew: parts.trustAnew },
    stats: receiptStats(store.receipts, settings.receipts, RECEIPT_DAYS),
  })
  const { environment, format } = store
  return startOperatorServer({
    folder,
    ports: { ...ports, machine },
    downloads: {
      backup: (_argument, response) =>
        writeBackup(
          { ...{ environment, journal, folder, stage }, format: format.version, now: clock.now() },
          response,
        ),
    },
    closed: () =>
      move.isClosed
        ? 'this machine is on its way to another place, where this belongs: do it there, or heliograph move cancel first'
        : undefined,
    failed: (call, fault) =>
      log.error('a call of the operator failed', { call, ...faultFields(fault) }),
  })
}

function entrancesOf(host: string, { serverAuthority: ca, ports }: OperatorDoorParts) {
  return {
    provider: { host, port: ports.provider, ca },
    activation: { host, port: ports.activation, ca },
    devices: { host, port: ports.devices, ca },
  }
}
