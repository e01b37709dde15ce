import type { ChannelId } from '@heliograph/protocol/identifiers'
import type { Environment } from './environment.ts'
import type { Expiries } from './expiries.ts'

/** The message that a channel keeps for those who join later. */
export interface RetainedMessage {
  readonly message: string
  /** Seconds since the epoch: from then on it counts as absent. */
  readonly expiresAt: number
}

export interface RetainedMessages {
  /** Undefined if there is none, or it has expired. */
  find(channelId: ChannelId, nowMs: number): RetainedMessage | undefined
  /** Keeps it in place of an earlier one. */
  put(channelId: ChannelId, retained: RetainedMessage): Promise<void>
  remove(channelId: ChannelId): Promise<void>
}

const TABLE = 'retained'

export function retainedMessages(environment: Environment, expiries: Expiries): RetainedMessages {
  const rows = environment.table<RetainedMessage, ChannelId>(TABLE)
  return {
    find(channelId, nowMs) {
      const found = rows.get(channelId)
      return found && found.expiresAt * 1_000 > nowMs ? found : undefined
    },
    put: (channelId, retained) =>
      environment.change(() => {
        rows.put(channelId, retained)
        expiries.note(retained.expiresAt, TABLE, [channelId])
      }),
    remove: (channelId) => environment.change(() => void rows.remove(channelId)),
  }
}
