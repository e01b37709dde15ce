import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import type { Fingerprint, Topic } from '../core/identifiers.ts'
import type { ProviderRecord, Providers } from '../core/ports.ts'
import { defined, type Item, number, optionalNumber, optionalText, s, text } from './attributes.ts'

/** The providers table: one item per issued certificate, and one per topic that any of them names. */
export function providers(client: DynamoDBClient, tableName: string): Providers {
  async function read(key: string): Promise<Item | undefined> {
    const { Item: item } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: { fingerprint: s(key) },
        ConsistentRead: true,
      }),
    )
    return item
  }
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
    fingerprint: text(item, 'fingerprint') as Fingerprint,
    topics: (item.topics?.SS ?? []) as Topic[],
    serial: text(item, 'serial'),
    subject: text(item, 'subject'),
    notBefore: number(item, 'notBefore'),
    notAfter: number(item, 'notAfter'),
    issuedAt: number(item, 'issuedAt'),
    revokedAt: optionalNumber(item, 'revokedAt'),
    revocationReason: optionalText(item, 'revocationReason'),
  }) as ProviderRecord
}
