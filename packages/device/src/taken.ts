import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { openForAppend, readText, writeAtomically } from './files.ts'
import { numberAt, parseObject, textAt } from './json.ts'
import { collapsingIn, isOlder, type Notification, originOf } from './notification.ts'
import { Serial } from './serial.ts'

/**
 * A repeat comes within the service's own retries, so the last few and the last day are enough. The day is
 * told by `acceptedAt`: the device's clock may jump by years between a notification and its repeat.
 */
export const REMEMBERED_IDS = 1_000
export const REMEMBERED_MS = 24 * 3600 * 1000

/** What is remembered about a notification that the handler has taken over. */
export interface Taken {
  readonly id: string
  readonly topic: string
  readonly channel?: string
  readonly acceptedAt: number
  readonly seq?: string
  /** It had waited: in its pending slot, or as the latest of its channel. A journal of an older version does not say so. */
  readonly stored?: boolean
  /** Of a topic that keeps more than its newest notification. */
  readonly pending?: Notification['pending']
  readonly collapseId?: string
}

/** `new`: give it to the handler. The others are acknowledged and dropped. */
export type Verdict = 'new' | 'repeat' | 'outdated'

/** As much of a notification as a verdict needs. */
export type Identified = Pick<
  Notification,
  'id' | 'topic' | 'channel' | 'acceptedAt' | 'stored' | 'seq' | 'pending' | 'collapseId'
>

/**
 * Channels whose newest is remembered: more than a device can have joined at a time, as programs join one for each game.
 */
const REMEMBERED_CHANNELS = 100

/**
 * What a newer notification can overtake: all of its topic or channel, or all of its collapse id.
 * Undefined: nothing, because it replaces none.
 */
function laneOf(one: Taken | Identified): string | undefined {
  const { topic, channel, pending, collapseId } = one
  if (channel !== undefined || pending === undefined) return originOf(one)
  return collapseId === undefined ? undefined : `${topic} ${collapseId}`
}

/**
 * The memory behind the verdicts: the ids of the last notifications, and the newest of each topic, of
 * the last channels, and of each collapse id among the last notifications.
 * A stored one is outdated by anything newer, which overtook it. A direct one is outdated only by a
 * newer stored one, which has replaced all before it: it may be the retry of one that was coalesced.
 */
export class TakenIndex {
  readonly #ids = new Map<string, Taken>()
  readonly #newest = new Map<string, Taken>()
  readonly #newestStored = new Map<string, Taken>()

  verdict(notification: Identified): Verdict {
    const before = this.#ids.get(keyOf(notification))
    if (before && notification.acceptedAt - before.acceptedAt < REMEMBERED_MS) return 'repeat'
    const lane = laneOf(notification)
    if (lane === undefined) return 'new'
    const newest = (notification.stored ? this.#newest : this.#newestStored).get(lane)
    return newest && isOvertaken(notification, newest) ? 'outdated' : 'new'
  }

  add(taken: Taken): void {
    const key = keyOf(taken)
    this.#forget(key)
    this.#ids.set(key, taken)
    const oldest = this.#ids.keys().next()
    if (this.#ids.size > REMEMBERED_IDS && !oldest.done) this.#forget(oldest.value)
    keepNewest(this.#newest, taken)
    if (taken.stored) keepNewest(this.#newestStored, taken)
  }

  /** Topics are few and stay; collapse ids may be any number, so none outlives its notification. */
  #forget(key: string): void {
    const taken = this.#ids.get(key)
    this.#ids.delete(key)
    const lane = taken?.pending && laneOf(taken)
    if (lane === undefined) return
    for (const newest of [this.#newest, this.#newestStored])
      if (newest.get(lane) === taken) newest.delete(lane)
  }

  /** All that a restart must know, in an order that `add` can repeat: it forgets the first ids first. */
  entries(): Taken[] {
    const recent = new Set(this.#ids.values())
    const newest = new Set([...this.#newest.values(), ...this.#newestStored.values()])
    return [...[...newest].filter((taken) => !recent.has(taken)), ...recent]
  }
}

function keepNewest(newest: Map<string, Taken>, taken: Taken): void {
  const lane = laneOf(taken)
  if (lane === undefined) return
  const known = newest.get(lane)
  if (known && !isOlder(known, taken)) return
  newest.delete(lane)
  newest.set(lane, taken)
  const channels = [...newest].filter(([, { channel }]) => channel !== undefined)
  if (channels.length > REMEMBERED_CHANNELS) newest.delete(channels[0]?.[0] ?? '')
}

/** The latest of a channel comes at every subscription, also when its id is no longer among the last. */
function isOvertaken(notification: Identified, newest: Taken): boolean {
  const isSame =
    notification.stored && notification.seq !== undefined && notification.seq === newest.seq
  return isSame || isOlder(notification, newest)
}

function keyOf(taken: Pick<Taken, 'id' | 'topic' | 'channel'>): string {
  return `${originOf(taken)} ${taken.id}`
}

const FILE = 'taken.jsonl'

/**
 * The index with its journal on disk: one line per notification, written before the
 * acknowledgement. A killed process repeats nothing. The line is not synced to disk, so after a
 * power cut the last few may come again: that costs a repeat, while syncing would cost a flash
 * write cycle for each.
 */
export class TakenStore {
  readonly #path: string
  readonly #index = new TakenIndex()
  readonly #writes = new Serial()
  #lines = 0
  #closed = false
  #file: FileHandle | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Lines that a power cut left damaged are skipped: all they can cost is a repeat. */
  static async open(directory: string): Promise<TakenStore> {
    const store = new TakenStore(join(directory, FILE))
    const text = await readText(store.#path)
    for (const line of text?.split('\n') ?? []) store.#load(line)
    // Always: a last line without a line end would merge with the next one that is appended.
    if (text !== undefined) await store.#compact()
    return store
  }

  verdict(notification: Identified): Verdict {
    return this.#index.verdict(notification)
  }

  /** Resolves when the notification is remembered; after that it may be acknowledged. */
  record({ id, topic, acceptedAt, ...rest }: Identified): Promise<void> {
    const taken = { id, topic, acceptedAt, ...told(rest) }
    return this.#writes.run(async () => {
      await this.#append(`${JSON.stringify(taken)}\n`)
      this.#index.add(taken)
      if (this.#lines >= 2 * REMEMBERED_IDS) await this.#compact()
      if (this.#closed) await this.#closeFile()
    })
  }

  /** A handler that outlasts this is still remembered. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#writes.run(() => this.#closeFile())
  }

  #load(line: string): void {
    const taken = parseTaken(line)
    if (taken) this.#index.add(taken)
  }

  async #append(line: string): Promise<void> {
    this.#file ??= await openForAppend(this.#path)
    await this.#file.appendFile(line)
    this.#lines++
  }

  /** Rewrites the journal with what still matters. */
  async #compact(): Promise<void> {
    const entries = this.#index.entries()
    await this.#closeFile()
    await writeAtomically(this.#path, entries.map((taken) => `${JSON.stringify(taken)}\n`).join(''))
    this.#lines = entries.length
  }

  async #closeFile(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}

/** What is not always there. */
function told({ channel, seq, stored, pending, collapseId }: Told): Partial<Taken> {
  return {
    ...(channel === undefined ? {} : { channel }),
    ...(seq === undefined ? {} : { seq }),
    ...(stored ? { stored } : {}),
    ...(pending === undefined ? {} : { pending }),
    ...(pending === undefined || collapseId === undefined ? {} : { collapseId }),
  }
}

interface Told extends Pick<Taken, 'pending' | 'collapseId'> {
  readonly channel?: string | undefined
  readonly seq?: string | undefined
  readonly stored?: boolean
}

function parseTaken(line: string): Taken | undefined {
  const object = parseObject(line)
  if (!object) return undefined
  const id = textAt(object, 'id')
  const topic = textAt(object, 'topic')
  const acceptedAt = numberAt(object, 'acceptedAt')
  const seq = textAt(object, 'seq')
  if (!id || !topic || acceptedAt === undefined) return undefined
  const channel = textAt(object, 'channel')
  const stored = object.stored === true
  return { id, topic, acceptedAt, ...told({ channel, seq, stored, ...collapsingIn(object) }) }
}
