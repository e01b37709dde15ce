import { type IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import type { Broadcasting, Broadcasts, Clock } from '@heliograph/core/ports'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'

/**
 * IoT Core changes the retained message of a topic once a second at most (quotas), so a call that
 * comes too soon is made again until that second is over.
 */
const PAUSE_MS = 700
const ATTEMPTS = { publish: 3, clear: 5 } as const

/** What IoT Core says of a call that comes too soon, or of too many. */
const THROTTLED = 'ThrottlingException'

export interface BroadcastWorld {
  readonly clock: Clock
  wait(ms: number): Promise<unknown>
}

/** IoT Core's publish over HTTP, which is answered once the broker has the message. */
export function broadcasts(
  client: IoTDataPlaneClient,
  { clock, wait }: BroadcastWorld,
): Broadcasts {
  /** `expiry` is in whole seconds, and asked before each attempt. */
  async function publish(
    channel: ChannelId,
    message: string,
    attempts: number,
    retention: () => { readonly retain?: true; readonly messageExpiry?: number },
  ): Promise<Broadcasting> {
    const input = {
      topic: channelTopic(channel),
      payload: new TextEncoder().encode(message),
      qos: 1,
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        await client.send(new PublishCommand({ ...input, ...retention() }))
        return 'published'
      } catch (fault) {
        if (!isThrottled(fault)) throw fault
        if (attempt === attempts) return 'busy'
        await wait(PAUSE_MS)
      }
    }
  }

  return {
    publish: (channel, message, storedUntil) =>
      publish(channel, message, ATTEMPTS.publish, () => {
        // rounded down: nothing is handed out after its time
        const messageExpiry = Math.floor(storedUntil - clock.now() / 1_000)
        return messageExpiry >= 1 ? { retain: true, messageExpiry } : {}
      }),

    async clear(channel) {
      // an empty payload removes what is retained (AWS IoT Core: "MQTT retained messages")
      const cleared = await publish(channel, '', ATTEMPTS.clear, () => ({ retain: true }))
      if (cleared === 'busy')
        throw new Error('IoT Core did not remove the retained message in time')
    },
  }
}

function isThrottled(fault: unknown): boolean {
  return fault instanceof Error && fault.name === THROTTLED
}
