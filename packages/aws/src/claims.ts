import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Claims, Clock } from '@heliograph/core/ports'
import { parseSeq, type Seq } from '@heliograph/protocol/identifiers'
import { CLAIM_SECONDS } from '@heliograph/protocol/limits'
import { n, number, parsed, s } from './attributes.ts'
import { table } from './table.ts'

/** The claims table: which accepted notification an apns-id belongs to, per device and topic. */
export function claims(client: DynamoDBClient, tableName: string, clock: Clock): Claims {
  const { get, putIf } = table(client, tableName)

  function take(claim: string, seq: Seq, now: number): Promise<boolean> {
    const item = { claim: s(claim), seq: s(seq), expiresAt: n(now + CLAIM_SECONDS) }
    return putIf(item, {
      ConditionExpression: 'attribute_not_exists(claim) OR seq = :seq OR expiresAt <= :now',
      ExpressionAttributeValues: { ':seq': s(seq), ':now': n(now) },
    })
  }

  async function holder(claim: string, now: number): Promise<Seq | undefined> {
    const item = await get({ claim: s(claim) })
    return item && number(item, 'expiresAt') > now ? parsed(item, 'seq', parseSeq) : undefined
  }

  return {
    async claim({ id, deviceId, topic, seq }) {
      const claim = `${id.toLowerCase()}:${deviceId}:${topic}`
      const now = Math.floor(clock.now() / 1000)
      if (await take(claim, seq, now)) return seq
      return (await holder(claim, now)) ?? seq
    },
  }
}
