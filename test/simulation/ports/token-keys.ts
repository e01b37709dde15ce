import { believedRing } from '../../../aws/token-keys.ts'
import type { TokenKeyId } from '../../../core/identifiers.ts'
import { ringOf, type WrappedKey } from '../../../core/key-ring.ts'
import type { Clock, TokenKey, TokenKeyRing } from '../../../core/ports.ts'
import type { TokenKeyStore } from '../../../core/rotate.ts'
import { TOKEN_KEY_BYTES } from '../../../core/token.ts'
import type { Access } from './access.ts'

/** The token keys; nothing wraps them here. Every method happens at once. */
export class TokenKeys {
  readonly #keys = new Map<TokenKeyId, WrappedKey>()
  readonly #bytes: (length: number) => Uint8Array

  constructor(bytes: (length: number) => Uint8Array) {
    this.#bytes = bytes
  }

  list(): WrappedKey[] {
    return [...this.#keys.values()]
  }

  create(id: TokenKeyId, createdAt: number): void {
    if (this.#keys.has(id)) throw new Error('there is a token key of this name')
    this.#keys.set(id, { id, createdAt, wrapped: this.#bytes(TOKEN_KEY_BYTES) })
  }

  retire(id: TokenKeyId, at: number): void {
    const key = this.#keys.get(id)
    if (!key) throw new Error('there is no token key of this name')
    this.#keys.set(id, { ...key, retiredAt: key.retiredAt ?? at })
  }

  /** What a function that has just read the table would believe. */
  live(): TokenKey[] {
    return ringOf(this.list())
      .filter(({ state }) => state !== 'retired')
      .map(({ wrapped, ...key }) => ({ ...key, key: wrapped }))
  }
}

export function memoryTokenKeyStore(keys: TokenKeys, access: Access): TokenKeyStore {
  return {
    list: () => access('tokenKeys.list', '', () => keys.list()),
    create: (id, createdAt) => access('tokenKeys.create', id, () => keys.create(id, createdAt)),
    retire: (id, at) => access('tokenKeys.retire', id, () => keys.retire(id, at)),
  }
}

/** With the memory of the real ring: it may be a minute behind the table. */
export function memoryTokenKeyRing(keys: TokenKeys, access: Access, clock: Clock): TokenKeyRing {
  return believedRing(() => access('tokenKeys.read', '', () => keys.live()), clock)
}
