import { join } from 'node:path'
import { type ChannelId, isChannelId } from '@heliograph/protocol/identifiers'
import { MAX_JOINED_CHANNELS } from '@heliograph/protocol/limits'
import { readState, writeAtomically } from './files.ts'
import type { JsonObject } from './json.ts'
import { Serial } from './serial.ts'

const FILE = 'channels.json'
const VERSION = 1
const REMEDY = 'delete it and join every channel again'

/** The channels to be joined, on disk. Every change is durable before it is seen. */
export class ChannelStore {
  readonly #path: string
  readonly #writes = new Serial()
  #channels: ReadonlySet<ChannelId>

  constructor(path: string, channels: ReadonlySet<ChannelId>) {
    this.#path = path
    this.#channels = channels
  }

  static async open(directory: string): Promise<ChannelStore> {
    const path = join(directory, FILE)
    return new ChannelStore(path, (await readState(path, parse, REMEDY)) ?? new Set())
  }

  get channels(): ReadonlySet<ChannelId> {
    return this.#channels
  }

  /** Resolves when no change is being written. */
  idle(): Promise<void> {
    return this.#writes.idle()
  }

  /** Resolves to false if there is no room for another one. */
  add(channel: ChannelId): Promise<boolean> {
    return this.#writes.run(async () => {
      if (this.#channels.has(channel)) return true
      if (this.#channels.size >= MAX_JOINED_CHANNELS) return false
      await this.#write([...this.#channels, channel])
      return true
    })
  }

  remove(channel: ChannelId): Promise<void> {
    return this.#writes.run(async () => {
      if (!this.#channels.has(channel)) return
      await this.#write([...this.#channels].filter((other) => other !== channel))
    })
  }

  async #write(channels: readonly ChannelId[]): Promise<void> {
    await writeAtomically(
      this.#path,
      `${JSON.stringify({ version: VERSION, channels }, null, 2)}\n`,
    )
    this.#channels = new Set(channels)
  }
}

function parse({ version, channels }: JsonObject): ReadonlySet<ChannelId> | undefined {
  if (version !== VERSION || !Array.isArray(channels)) return undefined
  return channels.every(isChannelId) ? new Set(channels) : undefined
}
