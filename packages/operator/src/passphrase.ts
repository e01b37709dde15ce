import { Failure } from './failure.ts'
import { readSecret } from './files.ts'
import type { Session } from './session.ts'

/**
 * The passphrase for a new file: from a file, or asked of a person, twice. Undefined = one is to be
 * generated. It never comes from the command line, which other users of the machine can read.
 */
export async function newPassphrase(
  { terminal, json }: Session,
  file: string | undefined,
): Promise<string | undefined> {
  if (file !== undefined) return readSecret(file, 'passphrase file')
  if (!terminal.interactive || json) return undefined
  const first = await terminal.askSecret('Passphrase for the .p12 (empty = generate one): ')
  if (first === '') return undefined
  if (first === (await terminal.askSecret('Once more: '))) return first
  throw new Failure('usage', 'the two passphrases differ: start again')
}

/** The passphrase of an existing file. */
export async function knownPassphrase(
  { terminal }: Session,
  path: string,
  file: string | undefined,
): Promise<string> {
  if (file !== undefined) return readSecret(file, 'passphrase file')
  if (terminal.interactive) return terminal.askSecret(`Passphrase of ${path}: `)
  throw new Failure('usage', `${path} needs its passphrase: give --passphrase-file FILE`)
}
