import {
  GetRetainedMessageCommand,
  type IoTDataPlaneClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot-data-plane'
import type { StoredBroadcasts } from '@heliograph/core/operator-ports'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'

/** What IoT Core retains for channels. */
export function storedBroadcasts(client: IoTDataPlaneClient): StoredBroadcasts {
  return {
    async stored(channel) {
      const command = new GetRetainedMessageCommand({ topic: channelTopic(channel) })
      try {
        const { payload } = await client.send(command)
        return payload && new TextDecoder().decode(payload)
      } catch (fault) {
        if (fault instanceof ResourceNotFoundException) return undefined
        throw fault
      }
    },
  }
}
