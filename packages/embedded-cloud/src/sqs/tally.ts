/** How many messages each group has; only groups that have one count. */
export class Tally {
  readonly #counts = new Map<string | undefined, number>()

  /** How many groups there are. */
  get size(): number {
    return this.#counts.size
  }

  count(group: string | undefined): number {
    return this.#counts.get(group) ?? 0
  }

  add(group: string | undefined): void {
    this.#counts.set(group, this.count(group) + 1)
  }

  remove(group: string | undefined): void {
    const left = this.count(group) - 1
    if (left > 0) this.#counts.set(group, left)
    else this.#counts.delete(group)
  }

  /** Starts over with these. */
  reset(messages: Iterable<{ readonly messageGroupId?: string | undefined }> = []): void {
    this.#counts.clear()
    for (const { messageGroupId } of messages) this.add(messageGroupId)
  }
}
