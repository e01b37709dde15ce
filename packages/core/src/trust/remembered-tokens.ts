import type { ProviderKeyId, TeamId } from '@heliograph/protocol/identifiers'

/** A token whose proof has been checked, and the key that it was checked with. */
export interface RememberedToken {
  readonly keyId: ProviderKeyId
  readonly teamId: TeamId
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** SubjectPublicKeyInfo, base64: a key id that leads to another key must not profit. */
  readonly publicKey: string
}

/** Some clients make a token per connection (aioapns), and each lives for an hour at most. */
const TOKENS_PER_KEY = 100
/** With all tokens of honest length about 10 MB. */
const MAX_KEYS = 200

/**
 * Tokens by their bytes, so that a token that many senders use for an hour is checked once. Only
 * valid tokens are kept, so garbage evicts nothing. Each key has its own share, so the holder of a
 * key who keeps making new tokens evicts only their own.
 */
export class RememberedTokens {
  readonly #tokens = new Map<string, RememberedToken>()
  /** The keys in the order of their last new token, and the tokens of each, oldest first. */
  readonly #byKey = new Map<ProviderKeyId, Set<string>>()

  find(text: string): RememberedToken | undefined {
    return this.#tokens.get(text)
  }

  keep(text: string, token: RememberedToken): void {
    const own = this.#byKey.get(token.keyId) ?? new Set()
    this.#byKey.delete(token.keyId)
    this.#byKey.set(token.keyId, own)
    own.add(text)
    this.#tokens.set(text, token)
    if (own.size > TOKENS_PER_KEY) this.forget(first(own))
    if (this.#byKey.size > MAX_KEYS) this.#forgetKey(first(this.#byKey.keys()))
  }

  forget(text: string): void {
    const keyId = this.#tokens.get(text)?.keyId
    this.#tokens.delete(text)
    if (keyId) this.#byKey.get(keyId)?.delete(text)
  }

  #forgetKey(keyId: ProviderKeyId): void {
    for (const text of this.#byKey.get(keyId) ?? []) this.#tokens.delete(text)
    this.#byKey.delete(keyId)
  }
}

function first<Value>(values: Iterable<Value>): Value {
  const [value] = values
  return value as Value
}
