import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { OtherAuthorities } from '@heliograph/core/operator-ports'
import type { Authorities, Authority, AuthorityKey } from '@heliograph/core/ports'
import { MachineError } from '../failure.ts'
import type { Vault } from '../trust/vault.ts'
import type { Environment } from './environment.ts'

interface KeyRow {
  /** The PKCS#8 key, sealed by the vault, in base64. */
  readonly wrapped: string
}

export interface AuthorityStore extends Authorities, OtherAuthorities {
  /** PEM of a CA and of those beside it: what clients' certificates are checked against. */
  trusted(name: Authority['name']): string
  save(authority: Authority): Promise<void>
  /** The key of a CA, made if there is none. It leaves the vault only to sign. */
  key(name: Authority['name']): Promise<AuthorityKey>
}

/** Greater than every fingerprint. */
const AFTER_ALL = 'g'

const algorithms = { provider: 'RSA-2048', device: 'ECDSA-P256' } as const
const label = (name: Authority['name']) => `key of the ${name} CA`

/** Both CAs: their certificates, and their keys under the vault. */
export function authorities(environment: Environment, vault: Vault): AuthorityStore {
  const certificates = environment.table<Authority, Authority['name']>('authorities')
  const others = environment.table<string, [Authority['name'], string]>('other authorities')
  const keys = environment.table<KeyRow, Authority['name']>('authority keys')

  async function wrappedKey(name: Authority['name']): Promise<string> {
    const known = keys.get(name)
    if (known) return known.wrapped
    const made = await makeKey(name)
    const der = made.export({ type: 'pkcs8', format: 'der' })
    const wrapped = Buffer.from(vault.seal(label(name), der)).toString('base64')
    return environment.change(() => {
      const earlier = keys.get(name)
      if (!earlier) keys.put(name, { wrapped })
      return earlier?.wrapped ?? wrapped
    })
  }

  const othersOf = (name: Authority['name']) =>
    [...others.getRange({ start: [name, ''], end: [name, AFTER_ALL] })].map(({ value }) => value)

  function find(name: Authority['name']): Authority | undefined {
    const own = certificates.get(name)
    const beside = othersOf(name)
    return own && beside.length > 0 ? { ...own, others: beside } : own
  }

  return {
    find: async (name) => find(name),
    trusted: (name) => [certificates.get(name)?.certificate ?? '', ...othersOf(name)].join('\n'),
    add: async (name, certificate) => {
      const authority = readAuthority(certificate)
      const fingerprint256 = authority.fingerprint256
      return environment.change(() => {
        const own = certificates.get(name)?.certificate
        if (own && new X509Certificate(own).fingerprint256 === fingerprint256) return false
        if (others.doesExist([name, fingerprint256])) return false
        others.put([name, fingerprint256], authority.toString())
        return true
      })
    },
    save: (authority) => environment.change(() => void certificates.put(authority.name, authority)),
    async key(name) {
      const der = vault.open(label(name), Buffer.from(await wrappedKey(name), 'base64'))
      return authorityKey(
        name,
        createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }),
      )
    },
  }
}

function readAuthority(pem: string): X509Certificate {
  try {
    const certificate = new X509Certificate(pem)
    if (certificate.ca) return certificate
  } catch {}
  throw new MachineError('what the export holds as a CA is not the certificate of one')
}

const generate = promisify(generateKeyPair)

async function makeKey(name: Authority['name']): Promise<KeyObject> {
  const { privateKey } =
    name === 'provider'
      ? await generate('rsa', { modulusLength: 2048 })
      : await generate('ec', { namedCurve: 'P-256' })
  return privateKey
}

function authorityKey(name: Authority['name'], key: KeyObject): AuthorityKey {
  return {
    algorithm: algorithms[name],
    arn: `machine:${name}`,
    // ECDSA as DER, RSA as PKCS#1 v1.5: what Node does unless told otherwise
    sign: async (message) => sign('sha256', message, key),
    publicKey: async () => createPublicKey(key).export({ type: 'spki', format: 'der' }),
  }
}
