import type {
  Clock,
  TokenKey,
  TokenKeyRing,
  TokenKeyStore,
  WrappedKey,
} from '@heliograph/core/ports'
import { believedRing } from '@heliograph/core/token/believed-ring'
import { ringOf } from '@heliograph/core/token/key-ring'
import { TOKEN_KEY_BYTES } from '@heliograph/core/token/token'
import type { TokenKeyId } from '@heliograph/protocol/identifiers'
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
    return this.all().filter(({ state }) => state !== 'retired')
  }

  all(): TokenKey[] {
    return ringOf(this.list()).map(({ wrapped, ...key }) => ({ ...key, key: wrapped }))
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

/** The retired ones too, as expire has it. */
export function memoryRingOfEveryKey(keys: TokenKeys, access: Access, clock: Clock): TokenKeyRing {
  return believedRing(() => access('tokenKeys.read', '', () => keys.all()), clock)
}
