/** sqs:using-messagededuplicationid-property: a repeat within five minutes is not queued again. */
const windowMs = 5 * 60_000

/** What a FIFO queue has taken lately, by deduplication id. */
export class Deduplication<Sent> {
  readonly #sent = new Map<string, { readonly at: number; readonly sent: Sent }>()

  find(id: string): Sent | undefined {
    this.#forget()
    return this.#sent.get(id)?.sent
  }

  add(id: string, sent: Sent): void {
    this.#sent.set(id, { at: Date.now(), sent })
  }

  /** The oldest come first. */
  #forget(): void {
    const oldest = Date.now() - windowMs
    for (const [id, { at }] of this.#sent) {
      if (at > oldest) return
      this.#sent.delete(id)
    }
  }
}
