import type { ProviderRecords } from '@heliograph/core/operator-ports'
import type { ProviderRecord, Providers } from '@heliograph/core/ports'
import type { Fingerprint, Topic } from '@heliograph/protocol/identifiers'
import type { Environment } from './environment.ts'

/** The provider certificates on record, and the topics that they name. */
export function providers(environment: Environment): Providers & ProviderRecords {
  const records = environment.table<ProviderRecord, Fingerprint>('providers')
  const topics = environment.table<number, Topic>('provider topics')
  return {
    find: async (fingerprint) => records.get(fingerprint),

    knowsTopic: async (topic) => topics.doesExist(topic),

    save: (record) =>
      environment.change(() => {
        for (const topic of record.topics) topics.put(topic, 1)
        records.put(record.fingerprint, record)
      }),

    list: async () =>
      [...records.getRange()].map(({ value }) => value).sort((a, b) => b.issuedAt - a.issuedAt),

    topics: async () => [...topics.getKeys()],

    revoke: (fingerprint, at, reason) =>
      environment.change(() => {
        const record = records.get(fingerprint)
        if (!record || record.revokedAt !== undefined) return record
        const revoked = { ...record, revokedAt: at, revocationReason: reason }
        records.put(fingerprint, revoked)
        return revoked
      }),
  }
}
