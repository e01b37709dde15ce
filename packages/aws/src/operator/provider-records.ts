import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { ProviderRecords } from '@heliograph/core/operator-ports'
import type { ProviderRecord } from '@heliograph/core/ports'
import { parseFingerprint, parseTopic, type Topic } from '@heliograph/protocol/identifiers'
import { type Item, n, s } from '../attributes.ts'
import { providerRecordOf, topicKey } from '../providers.ts'
import { table } from '../table.ts'
import { scan } from './scan.ts'

/** How many topics are written at the same time. */
const TOPICS_AT_ONCE = 25
const TOPIC_PREFIX = topicKey('' as Topic)

export function providerRecords(client: DynamoDBClient, tableName: string): ProviderRecords {
  const { put, updateIf } = table(client, tableName)
  return {
    async save(record) {
      // the certificate last: once it is on record as issued, its topics are known
      for (let from = 0; from < record.topics.length; from += TOPICS_AT_ONCE) {
        const some = record.topics.slice(from, from + TOPICS_AT_ONCE)
        await Promise.all(some.map((topic) => put({ fingerprint: s(topicKey(topic)) })))
      }
      await put(itemOf(record))
    },

    async list() {
      const records: ProviderRecord[] = []
      for await (const item of scan(client, tableName))
        if (parseFingerprint(item.fingerprint?.S)) records.push(providerRecordOf(item))
      return records.sort((a, b) => b.issuedAt - a.issuedAt)
    },

    async topics() {
      const topics: Topic[] = []
      for await (const item of scan(client, tableName)) {
        const topic = topicOf(item.fingerprint?.S ?? '')
        if (topic) topics.push(topic)
      }
      return topics
    },

    async revoke(fingerprint, at, reason) {
      const item = await updateIf(
        { fingerprint: s(fingerprint) },
        {
          UpdateExpression:
            'SET revokedAt = if_not_exists(revokedAt, :at), revocationReason = if_not_exists(revocationReason, :reason)',
          ConditionExpression: 'attribute_exists(fingerprint)',
          ExpressionAttributeValues: { ':at': n(at), ':reason': s(reason) },
        },
      )
      return item && providerRecordOf(item)
    },
  }
}

function topicOf(key: string): Topic | undefined {
  return key.startsWith(TOPIC_PREFIX) ? parseTopic(key.slice(TOPIC_PREFIX.length)) : undefined
}

function itemOf(record: ProviderRecord): Item {
  return {
    fingerprint: s(record.fingerprint),
    topics: { SS: [...record.topics] },
    serial: s(record.serial),
    subject: s(record.subject),
    notBefore: n(record.notBefore),
    notAfter: n(record.notAfter),
    issuedAt: n(record.issuedAt),
  }
}
