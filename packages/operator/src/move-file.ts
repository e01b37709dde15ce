import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { Failure } from './failure.ts'

/**
 * The export of a deployment, in one file: a line of JSON that says how the rest is encrypted, then
 * AES-256-GCM under a key that scrypt (RFC 7914) derives from the passphrase. The line is
 * authenticated, too, and nothing is read from a file that was changed (docs/one-machine.md,
 * "Moving").
 */
interface Head {
  readonly heliograph: 'export'
  readonly version: 1
  readonly scrypt: { readonly N: number; readonly r: number; readonly p: number }
  /** Base64, 16 bytes. */
  readonly salt: string
  /** Base64, 12 bytes. */
  readonly nonce: string
}

/** The minimum that OWASP recommends; 128 MB and about half a second. */
const COST = { N: 2 ** 17, r: 8, p: 1 } as const
const MAX_MEMORY = 256 * 1024 * 1024
const TAG_BYTES = 16
const SALT_BYTES = 16
const NONCE_BYTES = 12
const MAX_HEAD_BYTES = 1024

const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt)

export async function sealMoveFile(text: string, passphrase: string): Promise<Buffer> {
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)]
  const head: Head = {
    ...{ heliograph: 'export', version: 1, scrypt: COST },
    ...{ salt: salt.toString('base64'), nonce: nonce.toString('base64') },
  }
  const line = Buffer.from(`${JSON.stringify(head)}\n`)
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, salt), nonce).setAAD(line)
  return Buffer.concat([line, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

export async function openMoveFile(file: Buffer, passphrase: string): Promise<string> {
  const end = file.subarray(0, MAX_HEAD_BYTES).indexOf('\n') + 1
  const head = parseHead(file.subarray(0, end).toString())
  const sealed = file.subarray(end)
  if (!head || sealed.length < TAG_BYTES)
    throw new Failure('usage', 'this is not a file that heliograph export has made')
  const key = await keyOf(passphrase, Buffer.from(head.salt, 'base64'))
  const nonce = Buffer.from(head.nonce, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(file.subarray(0, end))
    .setAuthTag(sealed.subarray(-TAG_BYTES))
  const text = decipher.update(sealed.subarray(0, -TAG_BYTES))
  try {
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch {
    throw new Failure(
      'refused',
      'the file cannot be opened: the passphrase is wrong, or the file was changed',
    )
  }
}

function keyOf(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  return derive(passphrase, salt, 32, { ...COST, maxmem: MAX_MEMORY })
}

function hasBytes(base64: unknown, count: number): boolean {
  return typeof base64 === 'string' && Buffer.from(base64, 'base64').length === count
}

/** Accepts only this version's cost: a file must not determine how much memory is used. */
function parseHead(line: string): Head | undefined {
  try {
    const head = JSON.parse(line) as Head
    const isOurs = head.heliograph === 'export' && head.version === 1
    const isWhole = hasBytes(head.salt, SALT_BYTES) && hasBytes(head.nonce, NONCE_BYTES)
    return isOurs && isWhole && head.scrypt.N === COST.N ? head : undefined
  } catch {
    return undefined
  }
}
