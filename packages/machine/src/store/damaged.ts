import { MachineError } from '../failure.ts'

/** This service wrote what the store holds: if it cannot be read, the disk or a person has changed it. */
export function damaged(what: string): never {
  throw new MachineError(`the store holds ${what} that cannot be read: restore a backup`)
}
