import type { Broadcasting, Broadcasts, Channel, Channels } from '@heliograph/core/ports'
import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'
import { MAX_CHANNELS } from '@heliograph/protocol/limits'

/** The channels table in memory. */
export class MemoryChannels implements Channels {
  readonly #channels = new Map<string, { readonly channel: Channel; closed: boolean }>()
  readonly #most: number

  constructor(most = MAX_CHANNELS) {
    this.#most = most
  }

  async create(channel: Channel): Promise<boolean> {
    if (this.#of(channel.topic).length >= this.#most) return false
    const key = keyOf(channel.topic, channel.id)
    if (this.#channels.has(key)) throw new Error('the id of a channel is taken')
    this.#channels.set(key, { channel, closed: false })
    return true
  }

  async find(topic: Topic, id: ChannelId): Promise<Channel | undefined> {
    const held = this.#channels.get(keyOf(topic, id))
    return held?.closed === false ? held.channel : undefined
  }

  async list(topic: Topic): Promise<readonly ChannelId[]> {
    const open = this.#of(topic).filter(({ closed }) => !closed)
    return open.map(({ channel }) => channel.id)
  }

  async close(topic: Topic, id: ChannelId): Promise<boolean> {
    const held = this.#channels.get(keyOf(topic, id))
    if (held) held.closed = true
    return held !== undefined
  }

  async forget(topic: Topic, id: ChannelId): Promise<void> {
    if (this.#channels.get(keyOf(topic, id))?.closed) this.#channels.delete(keyOf(topic, id))
  }

  #of(topic: Topic) {
    return [...this.#channels.values()].filter(({ channel }) => channel.topic === topic)
  }
}

function keyOf(topic: Topic, id: ChannelId): string {
  return `${topic}/${id}`
}

/** A broker in memory: what was published, and what it would send to whoever joins now. */
export class MemoryBroadcasts implements Broadcasts {
  readonly published: { channel: ChannelId; message: string; storedUntil: number }[] = []
  readonly stored = new Map<ChannelId, string>()
  /** What happens before a call has an effect. */
  before: (call: 'publish' | 'clear') => Promise<Broadcasting> = async () => 'published'

  async publish(channel: ChannelId, message: string, storedUntil: number): Promise<Broadcasting> {
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
