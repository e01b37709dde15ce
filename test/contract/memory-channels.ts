import type { BroadcastKey } from '@heliograph/core/channels/broadcast'
import type { Broadcasting, Broadcasts, Channel, Channels } from '@heliograph/core/ports'
import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'
import { MAX_CHANNELS } from '@heliograph/protocol/limits'

interface Held {
  readonly channel: Channel
  closed: boolean
}

/** The channels table in memory. */
export class MemoryChannels implements Channels {
  readonly #topics = new Map<Topic, Map<ChannelId, Held>>()
  readonly #most: number

  constructor(most = MAX_CHANNELS) {
    this.#most = most
  }

  async create(channel: Channel): Promise<boolean> {
    const all = this.#topics.get(channel.topic) ?? new Map<ChannelId, Held>()
    if (all.size >= this.#most) return false
    if (all.has(channel.id)) throw new Error('the id of a channel is taken')
    all.set(channel.id, { channel, closed: false })
    this.#topics.set(channel.topic, all)
    return true
  }

  async find(topic: Topic, id: ChannelId): Promise<Channel | undefined> {
    const held = this.#held(topic, id)
    return held?.closed === false ? held.channel : undefined
  }

  async list(topic: Topic): Promise<readonly ChannelId[]> {
    const open = [...(this.#topics.get(topic)?.values() ?? [])].filter(({ closed }) => !closed)
    return open.map(({ channel }) => channel.id)
  }

  async close(topic: Topic, id: ChannelId): Promise<boolean> {
    const held = this.#held(topic, id)
    if (held) held.closed = true
    return held !== undefined
  }

  async forget(topic: Topic, id: ChannelId): Promise<void> {
    if (this.#held(topic, id)?.closed) this.#topics.get(topic)?.delete(id)
  }

  #held(topic: Topic, id: ChannelId): Held | undefined {
    return this.#topics.get(topic)?.get(id)
  }
}

/** A broker in memory: what was published, and what it would send to whoever joins now. */
export class MemoryBroadcasts implements Broadcasts {
  readonly published: { channel: ChannelId; message: string; storedUntil: number }[] = []
  readonly stored = new Map<ChannelId, string>()
  /** What happens before a call has an effect. */
  before: (call: 'publish' | 'clear') => Promise<Broadcasting> = async () => 'published'

  async publish(
    { channel }: BroadcastKey,
    message: string,
    storedUntil: number,
  ): Promise<Broadcasting> {
    const sent = await this.before('publish')
    if (sent === 'busy') return sent
    this.published.push({ channel, message, storedUntil })
    if (storedUntil !== 0) this.stored.set(channel, message)
    return sent
  }

  async clear(channel: ChannelId): Promise<void> {
    await this.before('clear')
    this.stored.delete(channel)
  }
}
