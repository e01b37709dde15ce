import { join } from 'node:path'
import { readState, writeAtomically } from './files.ts'
import { asObject, type JsonObject, textAt } from './json.ts'
import { Serial } from './serial.ts'

/**
 * A topic this device has to do with. `wanted` without a token: asked for, not yet answered.
 * `leaving`: unregistered by the program, and the service does not know yet.
 */
export interface RegisteredTopic {
  readonly state: 'wanted' | 'leaving'
  readonly token?: string
}

export type Registrations = ReadonlyMap<string, RegisteredTopic>

/** What is to hold for a topic: undefined removes it, the same object changes nothing. */
export type Edit = (before: RegisteredTopic | undefined) => RegisteredTopic | undefined

const FILE = 'registrations.json'
const VERSION = 1
const REMEDY = 'delete it and register every topic again (the tokens stay the same)'

/** The topics on disk. Every change is durable before it is seen. */
export class RegistrationStore {
  readonly #path: string
  readonly #writes = new Serial()
  #topics: Registrations

  constructor(path: string, topics: Registrations) {
    this.#path = path
    this.#topics = topics
  }

  static async open(directory: string): Promise<RegistrationStore> {
    const path = join(directory, FILE)
    return new RegistrationStore(path, (await readState(path, parse, REMEDY)) ?? new Map())
  }

  get topics(): Registrations {
    return this.#topics
  }

  /** Resolves when no change is being written. */
  idle(): Promise<void> {
    return this.#writes.idle()
  }

  change(topic: string, edit: Edit): Promise<void> {
    return this.#writes.run(async () => {
      const before = this.#topics.get(topic)
      const after = edit(before)
      if (after === before) return
      const topics = new Map(this.#topics)
      if (after) topics.set(topic, after)
      else topics.delete(topic)
      await writeAtomically(this.#path, serialize(topics))
      this.#topics = topics
    })
  }
}

function serialize(topics: Registrations): string {
  return `${JSON.stringify({ version: VERSION, topics: Object.fromEntries(topics) }, null, 2)}\n`
}

function parse(object: JsonObject): Registrations | undefined {
  const topics = asObject(object.topics)
  if (object.version !== VERSION || !topics) return undefined
  const parsed = Object.entries(topics).map(([topic, value]) => [topic, parseTopic(value)] as const)
  const whole = parsed.filter((entry): entry is [string, RegisteredTopic] => entry[1] !== undefined)
  return whole.length === parsed.length ? new Map(whole) : undefined
}

function parseTopic(value: unknown): RegisteredTopic | undefined {
  const object = asObject(value)
  const state = object && textAt(object, 'state')
  if (!object || (state !== 'wanted' && state !== 'leaving')) return undefined
  const token = textAt(object, 'token')
  return token ? { state, token } : { state }
}
