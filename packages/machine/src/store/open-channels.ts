import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'

const none: readonly ChannelId[] = []

/**
 * The ids of each topic's open channels, in memory: reading and decoding 10,000 rows for every
 * listing would hold up everything else that the process does.
 */
export class OpenChannels {
  readonly #ids = new Map<Topic, Set<ChannelId>>()
  /** What was listed last, until it changes: whoever gets the same list shares it. */
  readonly #lists = new Map<Topic, readonly ChannelId[]>()

  note(topic: Topic, id: ChannelId, isOpen: boolean): void {
    const ids = this.#ids.get(topic) ?? new Set<ChannelId>()
    if (isOpen) this.#ids.set(topic, ids.add(id))
    else ids.delete(id)
    if (ids.size === 0) this.#ids.delete(topic)
    this.#lists.delete(topic)
  }

  list(topic: Topic): readonly ChannelId[] {
    const ids = this.#ids.get(topic)
    if (!ids) return none
    const list = this.#lists.get(topic) ?? [...ids]
    this.#lists.set(topic, list)
    return list
  }
}
