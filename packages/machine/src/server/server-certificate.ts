import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock, Ids, SigningKey } from '@heliograph/core/ports'
import { issueAuthority, issueServerCertificate } from '@heliograph/core/trust/certificate'
import type { Environment } from '../store/environment.ts'
import type { Vault } from '../trust/vault.ts'
import type { ServerTls } from './tls.ts'

const CA_YEARS = 20
const YEAR_MS = 365.25 * 24 * 3600_000
const DAY_MS = 24 * 3600_000
/** The longest that browsers and Apple's clients accept is 398 days. */
const SERVER_DAYS = 397
/** For clients whose clock is a little slow. */
const BACKDATE_MS = 3600_000
const LABEL = 'key of the server CA'

/** What clients check this machine's certificate against. */
export interface ServerAuthority {
  /** PEM. */
  readonly certificate: string
  readonly key: SigningKey
}

interface Row {
  readonly certificate: string
  /** The PKCS#8 key, sealed by the vault, in base64. */
  readonly wrapped: string
}

export interface ServerAuthorityPlace {
  readonly environment: Environment
  readonly vault: Vault
  readonly clock: Clock
  readonly ids: Ids
}

const generate = promisify(generateKeyPair)

/**
 * The CA of a machine without a certificate from a public CA; made once, because devices and providers
 * keep it. Its key is in the store, under the vault.
 */
export async function serverAuthority(place: ServerAuthorityPlace): Promise<ServerAuthority> {
  const rows = place.environment.table<Row, string>('server authority')
  const known = rows.get('server')
  if (known) {
    const der = place.vault.open(LABEL, Buffer.from(known.wrapped, 'base64'))
    const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
    return { certificate: known.certificate, key: signingKeyOf(key) }
  }
  const { privateKey } = await generate('ec', { namedCurve: 'P-256' })
  const key = signingKeyOf(privateKey)
  const certificate = await issueAuthority(
    'Heliograph server CA',
    publicDer(privateKey),
    validityFrom(place.clock.now(), CA_YEARS * YEAR_MS),
    place.ids.bytes(16),
    key,
  )
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  const wrapped = Buffer.from(place.vault.seal(LABEL, der)).toString('base64')
  await place.environment.change(() => void rows.put('server', { certificate, wrapped }))
  return { certificate, key }
}

/** A certificate for these names. A new key is made at every start and exists only in memory. */
export async function serverCertificate(
  names: readonly string[],
  authority: ServerAuthority,
  { clock, ids }: Pick<ServerAuthorityPlace, 'clock' | 'ids'>,
): Promise<ServerTls> {
  const { privateKey } = await generate('ec', { namedCurve: 'P-256' })
  const cert = await issueServerCertificate(
    { names, publicKey: publicDer(privateKey) },
    validityFrom(clock.now(), SERVER_DAYS * DAY_MS),
    positive(ids.bytes(16)),
    authority,
  )
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

function validityFrom(now: number, lengthMs: number) {
  return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + lengthMs) }
}

function signingKeyOf(key: KeyObject): SigningKey {
  return { algorithm: 'ECDSA-P256', sign: async (message) => sign('sha256', message, key) }
}

function publicDer(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}

/** RFC 5280 §4.1.2.2: neither a sign bit nor a leading zero. */
function positive(serial: Uint8Array): Uint8Array {
  return serial.with(0, ((serial[0] ?? 0) & 0x3f) | 0x40)
}
