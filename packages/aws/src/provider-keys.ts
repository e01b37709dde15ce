import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { ProviderKey, ProviderKeys } from '@heliograph/core/ports'
import { parseProviderKeyId, parseTeamId, type Topic } from '@heliograph/protocol/identifiers'
import {
  defined,
  type Item,
  number,
  optionalNumber,
  parsed,
  s,
  text,
  topicsOf,
} from './attributes.ts'
import { table } from './table.ts'

/** The provider keys table: one item per key, and one per topic with the ids of the live keys that name it. */
export function providerKeys(client: DynamoDBClient, tableName: string): ProviderKeys {
  const { get } = table(client, tableName)
  return {
    async find(keyId) {
      const item = await get({ keyId: s(keyId) })
      return item && providerKeyOf(item)
    },
    async knowsTopic(topic) {
      const item = await get({ keyId: s(keyTopic(topic)) })
      return (item?.keys?.SS ?? []).length > 0
    },
  }
}

/** Key of the item that says which live keys name this topic. */
export function keyTopic(topic: Topic): string {
  return `topic#${topic}`
}

export function providerKeyOf(item: Item): ProviderKey {
  return defined({
    keyId: parsed(item, 'keyId', parseProviderKeyId),
    teamId: parsed(item, 'teamId', parseTeamId),
    topics: topicsOf(item),
    publicKey: text(item, 'publicKey'),
    createdAt: number(item, 'createdAt'),
    revokedAt: optionalNumber(item, 'revokedAt'),
  }) as ProviderKey
}
