import { type IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import type { Broadcasting, Broadcasts, Clock } from '@heliograph/core/ports'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import type { LatestBroadcasts } from './latest-broadcasts.ts'

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
  readonly latest: LatestBroadcasts
  wait(ms: number): Promise<unknown>
}

/** `messageExpiry` is in seconds. */
interface Retention {
  readonly retain?: true
  readonly messageExpiry?: number
}

/** IoT Core's publish over HTTP, which is answered once the broker has the message. */
export function broadcasts(
  client: IoTDataPlaneClient,
  { clock, latest, wait }: BroadcastWorld,
): Broadcasts {
  const send = (channel: ChannelId, message: string, retention: Retention) =>
    client.send(
      new PublishCommand({
        topic: channelTopic(channel),
        payload: new TextEncoder().encode(message),
        qos: 1,
        ...retention,
      }),
    )

  async function untilTaken(attempts: number, call: () => Promise<unknown>): Promise<Broadcasting> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await call()
        return 'published'
      } catch (fault) {
        if (!isThrottled(fault)) throw fault
        if (attempt === attempts) return 'busy'
        await wait(PAUSE_MS)
      }
    }
  }

  /** `isWanted` is asked before each attempt. */
  async function clear(channel: ChannelId, isWanted = async () => true): Promise<void> {
    const cleared = await untilTaken(ATTEMPTS.clear, async () => {
      // an empty payload removes what is retained (AWS IoT Core: "MQTT retained messages")
      if (await isWanted()) await send(channel, '', { retain: true })
    })
    if (cleared === 'busy') throw new Error('IoT Core did not remove the retained message in time')
  }

  return {
    async publish(broadcast, message, storedUntil) {
      const { channel } = broadcast
      // asked before each attempt: a newer one may have come while this one waited
      const isToReplace = async () => storedUntil !== 0 && (await latest.note(broadcast))
      let retention: Retention = {}
      const sent = await untilTaken(ATTEMPTS.publish, async () => {
        retention = (await isToReplace()) ? retentionUntil(storedUntil, clock.now()) : {}
        await send(channel, message, retention)
      })
      // who joins from now on is too late for this one, and must not get an earlier one in its place
      if (sent === 'published' && !retention.retain) await clear(channel, isToReplace)
      return sent
    },

    clear: (channel) => clear(channel),
  }
}

/** Whole seconds, rounded down: nothing is handed out after its time. */
function retentionUntil(storedUntil: number, nowMs: number): Retention {
  const messageExpiry = Math.floor(storedUntil - nowMs / 1_000)
  return messageExpiry >= 1 ? { retain: true, messageExpiry } : {}
}

function isThrottled(fault: unknown): boolean {
  return fault instanceof Error && fault.name === THROTTLED
}
