import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { MachineError } from '../failure.ts'
import { VAULT_KEY_BYTES } from './vault.ts'

/** Where the owner's key came from, for the log and the doctor. */
export type KeySource = 'file' | 'credential' | 'environment' | 'beside the data'

export interface OwnerKey {
  readonly bytes: Uint8Array
  readonly source: KeySource
  /** The file, if it came from one. */
  readonly path?: string
}

export interface KeyOptions {
  /** The state folder. */
  readonly folder: string
  readonly keyFile?: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** For development: creates a key in the state folder if there is none; it protects nothing. */
  readonly mayMakeBesideData?: boolean
}

/** The name of the systemd credential (systemd.exec(5), LoadCredential). */
const CREDENTIAL = 'heliograph'
/** The key that `--dev` makes. */
const DEVELOPMENT_KEY = 'development.key'

/**
 * Finds the key under which the state folder is encrypted: `--key-file`, then the systemd credential
 * `heliograph`, then HELIOGRAPH_KEY. If they differ, both are refused.
 */
export function findOwnerKey(options: KeyOptions): OwnerKey {
  const { folder, keyFile, environment, mayMakeBesideData = false } = options
  const credential =
    environment.CREDENTIALS_DIRECTORY && join(environment.CREDENTIALS_DIRECTORY, CREDENTIAL)
  if (keyFile !== undefined) return fromGivenFile(keyFile, folder, mayMakeBesideData)
  if (credential && existsSync(credential)) return fromFile(credential, 'credential')
  if (environment.HELIOGRAPH_KEY)
    return { bytes: readKey(environment.HELIOGRAPH_KEY, 'HELIOGRAPH_KEY'), source: 'environment' }
  if (mayMakeBesideData) return besideData(folder)
  throw new MachineError(
    'no key to encrypt the state folder with: make one (openssl rand -hex 32 > heliograph.key, kept elsewhere than the data) and give --key-file, the systemd credential heliograph or HELIOGRAPH_KEY; only --dev does without',
  )
}

function fromGivenFile(path: string, folder: string, isDevelopment: boolean): OwnerKey {
  if (!isDevelopment && isWithin(resolve(path), resolve(folder)))
    throw new MachineError(
      `${path} is inside the state folder: anyone who copies the folder has the key, too, so keep it elsewhere`,
    )
  return fromFile(path, 'file')
}

function isWithin(path: string, folder: string): boolean {
  return dirname(path) === folder || path.startsWith(folder + sep)
}

function fromFile(path: string, source: KeySource): OwnerKey {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new MachineError(
      `the key file ${path} cannot be read (${code}): check its path and mode`,
      {
        cause,
      },
    )
  }
  return { bytes: readKey(text, path), source, path }
}

function besideData(folder: string): OwnerKey {
  const path = join(folder, DEVELOPMENT_KEY)
  if (!existsSync(path))
    writeFileSync(path, `${randomBytes(VAULT_KEY_BYTES).toString('hex')}\n`, {
      mode: 0o600,
      flag: 'wx',
    })
  return fromFile(path, 'beside the data')
}

/** 64 hex digits, or the base64 of 32 bytes. A passphrase is refused: people choose bad ones. */
function readKey(text: string, where: string): Uint8Array {
  const trimmed = text.trim()
  const isHex = /^[0-9a-f]{64}$/i.test(trimmed)
  const bytes = Buffer.from(trimmed, isHex ? 'hex' : 'base64')
  const isBase64 = /^[A-Za-z0-9+/]{43}=$/.test(trimmed)
  if ((isHex || isBase64) && bytes.length === VAULT_KEY_BYTES) return bytes
  throw new MachineError(
    `${where} holds no key: it must be 64 hex digits or the base64 of 32 bytes, as openssl rand -hex 32 makes`,
  )
}
