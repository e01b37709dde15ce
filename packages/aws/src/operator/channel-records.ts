import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { ChannelRecords } from '@heliograph/core/operator-ports'
import type { Channel, Clock } from '@heliograph/core/ports'
import { parseChannelId } from '@heliograph/protocol/identifiers'
import { channelKey } from '../channel-count.ts'
import { channelOf, channels, isOpen } from '../channels.ts'
import { table } from '../table.ts'
import { scan } from './scan.ts'

export function channelRecords(
  client: DynamoDBClient,
  tableName: string,
  clock: Clock,
): ChannelRecords {
  const { create } = channels(client, tableName, clock)
  const { get } = table(client, tableName)
  return {
    async all() {
      const all: Channel[] = []
      // the others count the channels of a topic
      for await (const item of scan(client, tableName))
        if (parseChannelId(item.channel?.S) && isOpen(item)) all.push(channelOf(item))
      return all
    },

    async add(channel) {
      if (await get(channelKey(channel.topic, channel.id))) return 'known'
      return (await create(channel)) ? 'added' : 'full'
    },
  }
}
