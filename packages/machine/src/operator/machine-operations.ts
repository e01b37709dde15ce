import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { IsGenuine } from '@heliograph/core/delivery/seal'
import type { Notification } from '@heliograph/core/notification'
import type { Clock, NotificationQueue } from '@heliograph/core/ports'
import type { Seq } from '@heliograph/protocol/identifiers'
import type { MachineMove } from '../move/machine-move.ts'
import type { EventFeed } from '../pipeline/event-feed.ts'
import { roomOf } from '../pipeline/spare-room.ts'
import { DATABASE } from '../state-files.ts'
import type { Store } from '../store/store.ts'
import type { MachineEntrance, MachineOperations, MachineState, UnderWay } from './contract.ts'

export interface MachineWorld {
  readonly stage: string
  readonly folder: string
  readonly clock: Clock
  readonly store: Store
  readonly keySource: string
  readonly queue: Pick<NotificationQueue, 'send'>
  readonly isGenuine: IsGenuine
  readonly deadLetters: {
    count(): number
    list(limit: number): readonly Notification[]
    remove(seq: Seq): Promise<void>
  }
  readonly entrances: Readonly<Record<'provider' | 'activation' | 'devices', MachineEntrance>>
  readonly events: Pick<EventFeed, 'read'>
  readonly move: Pick<MachineMove, 'close' | 'announce' | 'withdraw' | 'progress'>
  connectedDevices(): number
  underWay(): UnderWay
  problem(): string | undefined
}

/** How long a listener's question is held open. */
const EVENT_WAIT_MS = 1_000

/** More than anyone keeps. */
const ALL = 1_000_000

/** The operator's requests that only exist on one machine. */
export function machineOperations(world: MachineWorld): MachineOperations {
  const { deadLetters, queue } = world
  const startedAt = world.clock.now()
  return {
    state: () => stateOf(world, startedAt),

    deadLetters: async (limit) =>
      deadLetters.list(limit).map(({ seq, acceptedAt, id, topic, deviceId }) => ({
        messageId: seq,
        sentAt: acceptedAt,
        about: `notification ${id} for ${topic} to ${deviceId}`,
      })),

    async redriveDeadLetters(most = ALL) {
      let handed = 0
      for (const one of deadLetters.list(ALL)) {
        if (handed >= most) break
        // something that someone else wrote into the file is not a notification
        if (!(await world.isGenuine(one))) continue
        // a letter is removed only after it has been queued
        await queue.send(one)
        await deadLetters.remove(one.seq)
        handed += 1
      }
      return handed
    },

    async dropDeadLetters(messageId, most = ALL) {
      const all = deadLetters.list(ALL)
      const wanted = messageId === undefined ? all : all.filter(({ seq }) => seq === messageId)
      const dropped = wanted.slice(0, most)
      for (const { seq } of dropped) await deadLetters.remove(seq)
      return dropped.length
    },

    events: (from) => world.events.read(from, EVENT_WAIT_MS),
    closeForMove: () => world.move.close(),
    announceMove: (place, perSecond) => world.move.announce(place, perSecond),
    withdrawMove: () => world.move.withdraw(),
    moveProgress: () => world.move.progress(),
  }
}

async function stateOf(world: MachineWorld, startedAt: number): Promise<MachineState> {
  const { stage, folder, keySource, entrances, store, clock } = world
  const [disk, { size }] = await Promise.all([roomOf(folder), stat(join(folder, DATABASE))])
  const { version, createdAt } = store.format
  const problem = world.problem()
  return {
    ...{ stage, folder, startedAt, now: clock.now(), keySource, entrances },
    format: { version, createdAt },
    folderMode: statSync(folder).mode & 0o777,
    disk,
    databaseBytes: size,
    deadLetters: world.deadLetters.count(),
    connectedDevices: world.connectedDevices(),
    underWay: world.underWay(),
    ...(problem !== undefined && { problem }),
  }
}
