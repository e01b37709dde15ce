import type { ProviderRecords } from '@heliograph/core/operator-ports'
import type { ProviderRecord, Providers } from '@heliograph/core/ports'
import type { Fingerprint, Topic } from '@heliograph/protocol/identifiers'
import type { Environment } from './environment.ts'

/**
 * The provider certificates on record, and the topics that they name. The records are in memory, too, because
 * every request asks for one; this is the only process that changes them.
 */
export function providers(environment: Environment): Providers & ProviderRecords {
  const records = environment.table<ProviderRecord, Fingerprint>('providers')
  const topics = environment.table<number, Topic>('provider topics')
  const known = new Map<Fingerprint, ProviderRecord>()
  for (const { key, value } of records.getRange()) known.set(key, value)

  return {
    find: async (fingerprint) => known.get(fingerprint),

    knowsTopic: async (topic) => topics.doesExist(topic),

    async save(record) {
      await environment.change(() => {
        for (const topic of record.topics) topics.put(topic, 1)
        records.put(record.fingerprint, record)
      })
      known.set(record.fingerprint, record)
    },

    list: async () => [...known.values()].sort((a, b) => b.issuedAt - a.issuedAt),

    topics: async () => [...topics.getKeys()],

    async revoke(fingerprint, at, reason) {
      const current = await environment.change(() => {
        const record = records.get(fingerprint)
        if (!record || record.revokedAt !== undefined) return record
        const revoked = { ...record, revokedAt: at, revocationReason: reason }
        records.put(fingerprint, revoked)
        return revoked
      })
      if (current) known.set(fingerprint, current)
      return current
    },
  }
}
