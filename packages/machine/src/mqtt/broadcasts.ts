import type { Broadcasts } from '@heliograph/core/ports'
import type { RetainedMessages } from '../store/retained-messages.ts'
import type { ChannelHub } from './channel-hub.ts'

/**
 * What the rules of channels ask of the broker. A message that is kept is on disk before anybody is sent it, so that
 * nobody has what a crash takes away.
 */
export function broadcasts(
  hub: Pick<ChannelHub, 'hasRoom' | 'publish' | 'clear'>,
  retained: Pick<RetainedMessages, 'put' | 'remove'>,
): Broadcasts {
  return {
    async publish({ channel: channelId }, message, storedUntil) {
      if (!hub.hasRoom(channelId)) return 'busy'
      if (storedUntil > 0) await retained.put(channelId, { message, expiresAt: storedUntil })
      hub.publish(channelId, { payload: Buffer.from(message), expiresAt: storedUntil })
      return 'published'
    },
    async clear(channelId) {
      await retained.remove(channelId)
      hub.clear(channelId)
    },
  }
}
