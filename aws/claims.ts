import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Seq } from '../core/identifiers.ts'
import type { Claims, Clock } from '../core/ports.ts'
import { n, number, s, text } from './attributes.ts'

/** How long a provider's apns-id counts as the same notification. */
export const CLAIM_SECONDS = 600

/** The claims table: which accepted notification an apns-id and token stand for. */
export function claims(client: DynamoDBClient, tableName: string, clock: Clock): Claims {
  async function put(claim: string, seq: Seq, now: number): Promise<Seq> {
    await client.send(
      new PutItemCommand({
        TableName: tableName,
        Item: { claim: s(claim), seq: s(seq), expiresAt: n(now + CLAIM_SECONDS) },
        ConditionExpression: 'attribute_not_exists(claim) OR seq = :seq OR expiresAt <= :now',
        ExpressionAttributeValues: { ':seq': s(seq), ':now': n(now) },
      }),
    )
    return seq
  }

  async function holder(claim: string, now: number): Promise<Seq | undefined> {
    const { Item: item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: { claim: s(claim) }, ConsistentRead: true }),
    )
    return item && number(item, 'expiresAt') > now ? (text(item, 'seq') as Seq) : undefined
  }

  return {
    async claim(id, token, seq) {
      const claim = `${id.toLowerCase()}:${token}`
      const now = Math.floor(clock.now() / 1000)
      try {
        return await put(claim, seq, now)
      } catch (fault) {
        if (!(fault instanceof ConditionalCheckFailedException)) throw fault
        return (await holder(claim, now)) ?? seq
      }
    },
  }
}
