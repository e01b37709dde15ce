import type { ChannelId } from '@heliograph/protocol/identifiers'
import type { BroadcastMessage } from '@heliograph/protocol/messages'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import type { LocalFile } from '../../bin/demo.ts'
import { activatePlainly, PlainDevice, until } from './plain-device.ts'

/** A broadcast as a device hears it. */
export interface Heard extends BroadcastMessage {
  /** The packet's RETAIN flag. */
  readonly stored: boolean
}

/** A device without the SDK that joins channels. */
export class Listener {
  readonly plain: PlainDevice
  readonly heard: Heard[] = []

  private constructor(plain: PlainDevice) {
    this.plain = plain
    plain.client.on('message', (topic, payload, { retain }) => {
      // an empty one says that the broker has nothing stored any more
      if (!topic.startsWith('heliograph/channel/') || payload.length === 0) return
      const message = JSON.parse(payload.toString()) as BroadcastMessage
      this.heard.push({ ...message, stored: retain })
    })
  }

  static async open(target: { readonly local: LocalFile }): Promise<Listener> {
    const listener = new Listener(new PlainDevice(await activatePlainly(target)))
    await listener.plain.connect()
    return listener
  }

  /** What the broker grants for each filter: a quality, or 128. */
  subscribe(...filters: string[]): Promise<readonly number[]> {
    const options = Object.fromEntries(filters.map((filter) => [filter, { qos: 1 as const }]))
    return new Promise((resolve) => {
      this.plain.client.subscribe(options, (_error, _granted, packet) =>
        resolve((packet as { granted: number[] } | undefined)?.granted ?? []),
      )
    })
  }

  async join(...channels: ChannelId[]): Promise<void> {
    const granted = await this.subscribe(...channels.map(channelTopic))
    if (granted.includes(128)) throw new Error('the broker did not let the device join')
  }

  /** Waits until so many have been heard. */
  async hears(count: number): Promise<readonly Heard[]> {
    await until(() => this.heard.length >= count || undefined)
    return this.heard
  }

  close(): Promise<void> {
    return this.plain.close()
  }
}

/** Every way to hear more than the channels whose ids one knows. */
export const spyingFilters: readonly string[] = [
  '#',
  '+/#',
  'heliograph/#',
  'heliograph/+',
  'heliograph/+/+',
  'heliograph/channel/#',
  'heliograph/channel/+',
  '$share/spies/heliograph/channel/+',
  '$share/spies/heliograph/channel/#',
  'heliograph/notification',
  'heliograph/token',
  '$SYS/#',
  '$aws/rules/#',
]
