/** Something that the owner of the machine can put right; the message says how. */
export class MachineError extends Error {
  override readonly name = 'MachineError'
}

/**
 * Explains a full disk; returns any other fault unchanged. `folder` is what could not be written.
 */
export function diskFault(fault: unknown, folder: string): unknown {
  const { code = '' } = (fault ?? {}) as { readonly code?: string }
  if (!['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) return fault
  return new MachineError(
    `there is no space left for ${folder}: free space on its disk; nothing that was accepted is lost`,
    { cause: fault },
  )
}
