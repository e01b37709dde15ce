import { MachineError } from '../failure.ts'

/** What the store holds was written by this service: where it cannot be read, the disk or a hand has changed it. */
export function damaged(what: string): never {
  throw new MachineError(`the store holds ${what} that cannot be read: restore a backup`)
}
