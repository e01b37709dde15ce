import type { ProviderKeyRecords } from '@heliograph/core/operator-ports'
import type { ProviderKey, ProviderKeys } from '@heliograph/core/ports'
import type { ProviderKeyId, Topic } from '@heliograph/protocol/identifiers'
import type { Environment } from './environment.ts'

/** The public halves of the provider keys, and which live ones name a topic. */
export function providerKeys(environment: Environment): ProviderKeys & ProviderKeyRecords {
  const keys = environment.table<ProviderKey, ProviderKeyId>('provider keys')
  const topics = environment.table<number, [Topic, ProviderKeyId | '']>('provider key topics')
  return {
    find: async (keyId) => keys.get(keyId),

    async knowsTopic(topic) {
      const end: [Topic, ProviderKeyId] = [topic, '\uffff' as ProviderKeyId]
      return topics.getKeysCount({ start: [topic, ''], end, limit: 1 }) > 0
    },

    save: (key) =>
      environment.change(() => {
        if (keys.doesExist(key.keyId)) return false
        for (const topic of key.topics) topics.put([topic, key.keyId], 1)
        keys.put(key.keyId, key)
        return true
      }),

    list: async () =>
      [...keys.getRange()].map(({ value }) => value).sort((a, b) => b.createdAt - a.createdAt),

    revoke: (keyId, at) =>
      environment.change(() => {
        const key = keys.get(keyId)
        if (!key || key.revokedAt !== undefined) return key
        const revoked = { ...key, revokedAt: at }
        for (const topic of key.topics) topics.remove([topic, keyId])
        keys.put(keyId, revoked)
        return revoked
      }),
  }
}
