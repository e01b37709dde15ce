/** Something that the owner of the machine can put right; the message says how. */
export class MachineError extends Error {
  override readonly name = 'MachineError'
}
