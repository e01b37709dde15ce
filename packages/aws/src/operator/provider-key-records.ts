import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { ProviderKeyRecords } from '@heliograph/core/operator-ports'
import type { ProviderKey } from '@heliograph/core/ports'
import { parseProviderKeyId } from '@heliograph/protocol/identifiers'
import { n, s } from '../attributes.ts'
import { keyTopic, providerKeyOf, providerKeys } from '../provider-keys.ts'
import { table } from '../table.ts'
import { scan } from './scan.ts'

/** How many topics are written at the same time. */
const TOPICS_AT_ONCE = 25

export function providerKeyRecords(client: DynamoDBClient, tableName: string): ProviderKeyRecords {
  const { update, updateIf } = table(client, tableName)
  const { find } = providerKeys(client, tableName)

  /** Adds the key to the live ones of each of its topics, or takes it away; twice is as good as once. */
  async function mark({ keyId, topics }: ProviderKey, step: 'ADD' | 'DELETE'): Promise<void> {
    const change = {
      UpdateExpression: `${step} #keys :keyId`,
      ExpressionAttributeNames: { '#keys': 'keys' },
      ExpressionAttributeValues: { ':keyId': { SS: [keyId] } },
    }
    for (let from = 0; from < topics.length; from += TOPICS_AT_ONCE) {
      const some = topics.slice(from, from + TOPICS_AT_ONCE)
      await Promise.all(some.map((topic) => update({ keyId: s(keyTopic(topic)) }, change)))
    }
  }

  return {
    find,

    async save(key) {
      if (await find(key.keyId)) return false
      // the key last: once it may send, its topics are known
      await mark(key, 'ADD')
      return (await updateIf({ keyId: s(key.keyId) }, creationOf(key))) !== undefined
    },

    async list() {
      const keys: ProviderKey[] = []
      for await (const item of scan(client, tableName))
        if (parseProviderKeyId(item.keyId?.S)) keys.push(providerKeyOf(item))
      return keys.sort((a, b) => b.createdAt - a.createdAt)
    },

    async revoke(keyId, at) {
      const item = await updateIf(
        { keyId: s(keyId) },
        {
          UpdateExpression: 'SET revokedAt = if_not_exists(revokedAt, :at)',
          ConditionExpression: 'attribute_exists(keyId)',
          ExpressionAttributeValues: { ':at': n(at) },
        },
      )
      const key = item && providerKeyOf(item)
      if (key) await mark(key, 'DELETE')
      return key
    },
  }
}

function creationOf({ teamId, topics, publicKey, createdAt }: ProviderKey) {
  return {
    UpdateExpression:
      'SET teamId = :teamId, topics = :topics, publicKey = :publicKey, createdAt = :createdAt',
    ConditionExpression: 'attribute_not_exists(keyId)',
    ExpressionAttributeValues: {
      ':teamId': s(teamId),
      ':topics': { SS: [...topics] },
      ':publicKey': s(publicKey),
      ':createdAt': n(createdAt),
    },
  }
}
