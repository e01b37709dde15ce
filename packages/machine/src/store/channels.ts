import type { ChannelRecords } from '@heliograph/core/operator-ports'
import type { Channel, Channels } from '@heliograph/core/ports'
import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'
import { MAX_CHANNELS } from '@heliograph/protocol/limits'
import type { Environment } from './environment.ts'
import { OpenChannels } from './open-channels.ts'

/** As it is kept; a closed one waits for its last step. */
type Row = Omit<Channel, 'id' | 'topic'> & { readonly isClosed?: true }

type ChannelKey = [topic: Topic, id: ChannelId]

/** The channels, how many each topic has, and whose an id is: all change in one transaction. */
export function channels(environment: Environment): Channels & ChannelRecords {
  const rows = environment.table<Row, ChannelKey>('channels')
  const counts = environment.table<number, Topic>('channels of topics')
  const owners = environment.table<Topic, ChannelId>('topics of channels')
  const open = new OpenChannels()
  for (const { key, value } of rows.getRange()) open.note(...key, !value.isClosed)

  const liveRow = (topic: Topic, id: ChannelId) => {
    const row = rows.get([topic, id])
    return row && !row.isClosed ? row : undefined
  }

  /** After a change, once it is on disk: as the row is then, in whatever order changes end. */
  const noteRow = (topic: Topic, id: ChannelId) =>
    open.note(topic, id, liveRow(topic, id) !== undefined)

  const add: ChannelRecords['add'] = async ({ id, topic, ...row }) => {
    const added = await environment.change(() => {
      const count = counts.get(topic) ?? 0
      if (owners.doesExist(id)) return 'known'
      if (count >= MAX_CHANNELS) return 'full'
      rows.put([topic, id], row)
      owners.put(id, topic)
      counts.put(topic, count + 1)
      return 'added'
    })
    if (added === 'added') noteRow(topic, id)
    return added
  }

  return {
    add,

    async create(channel) {
      const added = await add(channel)
      if (added === 'known') throw new Error('the id of the channel is taken')
      return added === 'added'
    },

    async find(topic, id) {
      const row = liveRow(topic, id)
      return row && { id, topic, ...row }
    },

    list: async (topic) => open.list(topic),

    all: async () =>
      [...rows.getRange()].flatMap(({ key: [topic, id], value }) =>
        value.isClosed ? [] : { id, topic, ...value },
      ),

    async close(topic, id) {
      const wasThere = await environment.change(() => {
        const row = rows.get([topic, id])
        if (row && !row.isClosed) rows.put([topic, id], { ...row, isClosed: true })
        return row !== undefined
      })
      if (wasThere) noteRow(topic, id)
      return wasThere
    },

    forget: (topic, id) =>
      environment.change(() => {
        if (!rows.get([topic, id])?.isClosed) return
        rows.remove([topic, id])
        owners.remove(id)
        counts.put(topic, (counts.get(topic) ?? 1) - 1)
      }),
  }
}
