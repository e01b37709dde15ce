import { randomBytes } from 'node:crypto'
import type { MovedTokenKey } from '@heliograph/core/operator-ports'
import type { TokenKey, TokenKeyRing, TokenKeyStore, WrappedKey } from '@heliograph/core/ports'
import { type KeyInRing, ringOf } from '@heliograph/core/token/key-ring'
import { TOKEN_KEY_BYTES } from '@heliograph/core/token/token'
import type { TokenKeyId } from '@heliograph/protocol/identifiers'
import type { Vault } from '../trust/vault.ts'
import type { Environment } from './environment.ts'

interface Row {
  readonly createdAt: number
  readonly retiredAt?: number
  /** The key, sealed by the vault, in base64. */
  readonly wrapped: string
}

/** The token keys under the vault, and what an operator asks of one. */
export interface TokenKeyVault extends TokenKeyStore {
  /** The plain key; of a retired one too: an operator may ask what a dead token was. */
  open(key: KeyInRing): TokenKey
  /** Keeps a key of another deployment; false if there is one of this id. */
  keep(key: MovedTokenKey): Promise<boolean>
  /** Grows with every change. */
  version(): number
}

const label = (id: TokenKeyId) => `token key ${id}`

export function tokenKeyStore(environment: Environment, vault: Vault): TokenKeyVault {
  const rows = environment.table<Row, TokenKeyId>('token keys')
  let version = 0

  async function change<T>(decide: () => T): Promise<T> {
    const result = await environment.change(decide)
    version += 1
    return result
  }

  return {
    version: () => version,

    list: async () => [...rows.getRange()].map(({ key, value }) => wrappedKeyOf(key, value)),

    create(id, createdAt) {
      const wrapped = Buffer.from(vault.seal(label(id), randomBytes(TOKEN_KEY_BYTES)))
      return change(() => {
        if (rows.doesExist(id)) throw new Error(`token key ${id} already exists`)
        rows.put(id, { createdAt, wrapped: wrapped.toString('base64') })
      })
    },

    keep({ id, createdAt, retiredAt, key }) {
      const wrapped = Buffer.from(vault.seal(label(id), key)).toString('base64')
      return change(() => {
        if (rows.doesExist(id)) return false
        rows.put(id, { createdAt, ...(retiredAt !== undefined && { retiredAt }), wrapped })
        return true
      })
    },

    retire: (id, at) =>
      change(() => {
        const row = rows.get(id)
        if (!row) throw new Error(`there is no token key ${id}`)
        rows.put(id, { retiredAt: at, ...row })
      }),

    open: ({ wrapped, ...key }) => ({ ...key, key: vault.open(label(key.id), wrapped) }),
  }
}

function wrappedKeyOf(id: TokenKeyId, { wrapped, ...row }: Row): WrappedKey {
  return { id, ...row, wrapped: Buffer.from(wrapped, 'base64') }
}

/** The live keys, each opened once. The ring is put together again when a key was made or retired. */
export function tokenKeyRing(tokenKeys: TokenKeyVault): TokenKeyRing {
  const opened = new Map<TokenKeyId, Uint8Array>()
  let ring: { readonly version: number; readonly keys: Promise<readonly TokenKey[]> } | undefined

  function open(key: KeyInRing): TokenKey {
    const { wrapped: _, ...rest } = key
    const bytes = opened.get(key.id) ?? tokenKeys.open(key).key
    opened.set(key.id, bytes)
    return { ...rest, key: bytes }
  }

  async function read(): Promise<readonly TokenKey[]> {
    const live = ringOf(await tokenKeys.list()).filter(({ state }) => state !== 'retired')
    return live.map(open)
  }

  function keys(): Promise<readonly TokenKey[]> {
    const version = tokenKeys.version()
    if (ring?.version === version) return ring.keys
    const reading = read()
    ring = { version, keys: reading }
    // a failed read is not believed
    reading.catch(() => {
      if (ring?.keys === reading) ring = undefined
    })
    return reading
  }

  return { keys, refreshed: keys }
}
