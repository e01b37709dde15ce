import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { ProviderRecord, Providers } from '@heliograph/core/ports'
import { parseFingerprint, type Topic } from '@heliograph/protocol/identifiers'
import {
  defined,
  type Item,
  number,
  optionalNumber,
  optionalText,
  parsed,
  s,
  text,
  topicsOf,
} from './attributes.ts'
import { table } from './table.ts'

/** The providers table: one item per issued certificate, and one per topic that any of them names. */
export function providers(client: DynamoDBClient, tableName: string): Providers {
  const { get } = table(client, tableName)
  const read = (key: string) => get({ fingerprint: s(key) })
  return {
    async find(fingerprint) {
      const item = await read(fingerprint)
      return item && providerRecordOf(item)
    },
    async knowsTopic(topic) {
      return (await read(topicKey(topic))) !== undefined
    },
  }
}

/** Key of the item that says "some issued certificate names this topic". */
export function topicKey(topic: Topic): string {
  return `topic#${topic}`
}

export function providerRecordOf(item: Item): ProviderRecord {
  return defined({
    fingerprint: parsed(item, 'fingerprint', parseFingerprint),
    topics: topicsOf(item),
    serial: text(item, 'serial'),
    subject: text(item, 'subject'),
    notBefore: number(item, 'notBefore'),
    notAfter: number(item, 'notAfter'),
    issuedAt: number(item, 'issuedAt'),
    revokedAt: optionalNumber(item, 'revokedAt'),
    revocationReason: optionalText(item, 'revocationReason'),
  }) as ProviderRecord
}
