import type { ProviderKey, ProviderKeys } from '@heliograph/core/ports'
import type { ProviderKeyId, Topic } from '@heliograph/protocol/identifiers'
import type { Access } from './access.ts'

/** The provider keys on record. Every method happens at once. */
export class ProviderKeyStore {
  readonly #keys = new Map<ProviderKeyId, ProviderKey>()

  /** False where the id is taken. */
  save(key: ProviderKey): boolean {
    if (this.#keys.has(key.keyId)) return false
    this.#keys.set(key.keyId, key)
    return true
  }

  revoke(keyId: ProviderKeyId, at: number): ProviderKey | undefined {
    const key = this.#keys.get(keyId)
    const revoked = key && { ...key, revokedAt: key.revokedAt ?? at }
    if (revoked) this.#keys.set(keyId, revoked)
    return revoked
  }

  find(keyId: ProviderKeyId): ProviderKey | undefined {
    return this.#keys.get(keyId)
  }

  knowsTopic(topic: Topic): boolean {
    return [...this.#keys.values()].some(
      ({ topics, revokedAt }) => revokedAt === undefined && topics.includes(topic),
    )
  }
}

export function memoryProviderKeys(store: ProviderKeyStore, access: Access): ProviderKeys {
  return {
    find: (keyId) => access('providerKeys.find', keyId, () => store.find(keyId)),
    knowsTopic: (topic) => access('providerKeys.knowsTopic', topic, () => store.knowsTopic(topic)),
  }
}
