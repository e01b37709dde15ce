import { isJsonObject } from '../assembly/json.ts'
import { type Journal, openJournal } from '../journal.ts'
import type { AsyncEvent } from './async-event.ts'

type Entry = { readonly event: AsyncEvent } | { readonly done: string }

/** Lines after which the file is rewritten. */
const compactAfter = 5_000

/**
 * The unfinished asynchronous events, on disk: an event that Lambda has accepted survives a killed
 * process, and is run again if it is unknown how far it got.
 */
export class KeptEvents {
  readonly #events = new Map<string, AsyncEvent>()
  #journal: Journal<Entry> | undefined

  /** Without a file nothing is kept. Throws a `DamagedStateError`. */
  constructor(file: string | undefined) {
    if (file === undefined) return
    this.#journal = openJournal<Entry>({
      file,
      compactAfter,
      replay: (entry) => this.#replay(entry),
      snapshot: () => this.all().map((event) => ({ event })),
    })
  }

  get isEmpty(): boolean {
    return this.#events.size === 0
  }

  all(): AsyncEvent[] {
    return [...this.#events.values()]
  }

  keep(event: AsyncEvent): void {
    this.#events.set(event.requestId, event)
    this.#journal?.append({ event })
  }

  done({ requestId }: AsyncEvent): void {
    this.#events.delete(requestId)
    this.#journal?.appendSoon({ done: requestId })
  }

  /** Later changes are no longer written. */
  close(): void {
    this.#journal?.close()
    this.#journal = undefined
  }

  #replay(entry: Entry): void {
    if ('done' in entry) this.#events.delete(entry.done)
    else this.#events.set(entry.event.requestId, parseEvent(entry.event))
  }
}

function parseEvent(event: AsyncEvent): AsyncEvent {
  const complete = isJsonObject(event) && typeof event.functionName === 'string'
  if (!complete || typeof event.payload !== 'string') throw new Error('an event is incomplete')
  return event
}
