import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  type Fingerprint,
  parseFingerprint,
  parseTopic,
  type Topic,
} from '../../core/identifiers.ts'
import type { ProviderRecord } from '../../core/ports.ts'
import { type Item, n, s } from '../attributes.ts'
import { providerRecordOf, topicKey } from '../providers.ts'
import { scan } from './scan.ts'

/** What an operator does with the providers table. */
export interface ProviderRecords {
  /** Puts a certificate on record, with every topic it names. */
  save(record: ProviderRecord): Promise<void>
  /** Every certificate, newest first. */
  list(): Promise<readonly ProviderRecord[]>
  /** Every topic that some certificate names. */
  topics(): Promise<readonly Topic[]>
  /** Marks a certificate as revoked; the first time and reason stay. Undefined where there is none. */
  revoke(fingerprint: Fingerprint, at: number, reason: string): Promise<ProviderRecord | undefined>
}

/** How many topics are written at the same time. */
const TOPICS_AT_ONCE = 25
const TOPIC_PREFIX = topicKey('' as Topic)

export function providerRecords(client: DynamoDBClient, tableName: string): ProviderRecords {
  const put = (item: Item) => client.send(new PutItemCommand({ TableName: tableName, Item: item }))
  return {
    async save(record) {
      // the certificate last: what is on record as issued has its topics known
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
      try {
        const { Attributes: item } = await client.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: { fingerprint: s(fingerprint) },
            UpdateExpression:
              'SET revokedAt = if_not_exists(revokedAt, :at), revocationReason = if_not_exists(revocationReason, :reason)',
            ConditionExpression: 'attribute_exists(fingerprint)',
            ExpressionAttributeValues: { ':at': n(at), ':reason': s(reason) },
            ReturnValues: 'ALL_NEW',
          }),
        )
        return item && providerRecordOf(item)
      } catch (fault) {
        if (fault instanceof ConditionalCheckFailedException) return undefined
        throw fault
      }
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
