import type { ProviderRecord, Providers } from '@heliograph/core/ports'
import type { Fingerprint, Topic } from '@heliograph/protocol/identifiers'
import type { Access } from './access.ts'

/** The issued provider certificates. Every method happens at once. */
export class ProviderStore {
  readonly #records = new Map<Fingerprint, ProviderRecord>()

  issue(record: ProviderRecord): void {
    this.#records.set(record.fingerprint, record)
  }

  revoke(fingerprint: Fingerprint, revokedAt: number): void {
    const record = this.#records.get(fingerprint)
    if (record) this.#records.set(fingerprint, { ...record, revokedAt })
  }

  find(fingerprint: Fingerprint): ProviderRecord | undefined {
    return this.#records.get(fingerprint)
  }

  knowsTopic(topic: Topic): boolean {
    return [...this.#records.values()].some(({ topics }) => topics.includes(topic))
  }
}

export function memoryProviders(store: ProviderStore, access: Access): Providers {
  return {
    find: (fingerprint) =>
      access('providers.find', fingerprint.slice(0, 8), () => store.find(fingerprint)),
    knowsTopic: (topic) => access('providers.knowsTopic', topic, () => store.knowsTopic(topic)),
  }
}
