import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { DownMessage } from '@heliograph/protocol/messages'
import type { Environment } from './environment.ts'

/** Where devices are to connect from now on. */
export type Place = NonNullable<DownMessage<'move'>['mqtt']>

/**
 * How far a machine is on its way to another place. `closed`: it takes nothing more, so that an export holds all.
 * `announced`: devices are told where to go. `withdrawn`: it serves again, and devices that were told are told so.
 * Times are milliseconds since the epoch.
 */
export type MoveState =
  | { readonly is: 'closed'; readonly closedAt: number }
  | {
      readonly is: 'announced'
      readonly closedAt: number
      readonly announcedAt: number
      readonly place: Place
    }
  | { readonly is: 'withdrawn'; readonly withdrawnAt: number }

export interface Moves {
  /** Undefined if the machine has never started a move. */
  state(): MoveState | undefined
  /** Keeps the state; who was told of another place is forgotten. */
  save(state: MoveState): Promise<void>
  /** The devices that have been told of the place. */
  told(): Iterable<DeviceId>
  noteTold(deviceIds: readonly DeviceId[], at: number): Promise<void>
}

const STATE = 'state'

/** What a machine knows of its move; it outlives the process. */
export function moves(environment: Environment): Moves {
  const states = environment.table<MoveState, string>('move')
  const told = environment.table<number, DeviceId>('told of the move')
  return {
    state: () => states.get(STATE),
    save: (state) =>
      environment.change(() => {
        for (const deviceId of [...told.getKeys()]) told.remove(deviceId)
        states.put(STATE, state)
      }),
    told: () => told.getKeys(),
    noteTold: (deviceIds, at) =>
      environment.change(() => {
        for (const deviceId of deviceIds) told.put(deviceId, at)
      }),
  }
}
