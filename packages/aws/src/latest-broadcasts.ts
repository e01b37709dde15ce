import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { BroadcastKey } from '@heliograph/core/channels/broadcast'
import { s } from './attributes.ts'
import { channelKey } from './channel-count.ts'
import { table } from './table.ts'

export interface LatestBroadcasts {
  /**
   * Notes that this broadcast is about to be stored, and may be repeated. False if a newer one was
   * noted, or the channel is gone.
   */
  note(broadcast: BroadcastKey): Promise<boolean>
}

/** On the channel's row: the newest broadcast that was published to be stored. */
export function latestBroadcasts(client: DynamoDBClient, tableName: string): LatestBroadcasts {
  const { updateIf } = table(client, tableName)
  return {
    async note({ topic, channel, seq }) {
      const noted = await updateIf(channelKey(topic, channel), {
        UpdateExpression: 'SET latestSeq = :seq',
        // an update alone would bring back a channel that was forgotten
        ConditionExpression:
          'attribute_exists(topic) AND (attribute_not_exists(latestSeq) OR latestSeq <= :seq)',
        ExpressionAttributeValues: { ':seq': s(seq) },
      })
      return noted !== undefined
    },
  }
}
