import type { MessageAttribute, MessageAttributes } from './message.ts'

/** The parameters of a call in the Query protocol (Smithy: "AWS Query protocol"), by their whole names. */
export class Query {
  readonly #parameters: URLSearchParams
  readonly #prefix: string

  constructor(parameters: URLSearchParams, prefix = '') {
    this.#parameters = parameters
    this.#prefix = prefix
  }

  get(name: string): string | undefined {
    return this.#parameters.get(this.#prefix + name) ?? undefined
  }

  text(name: string): string {
    return this.get(name) ?? ''
  }

  /** The members of a list, `<name>.member.1` and so on. */
  members(name: string): Query[] {
    return this.#parts(`${name}.member`)
  }

  /** A map from texts to texts, whose entries are `<name>.entry.1.key` and `….value`. */
  map(name: string): Record<string, string> {
    const entries = this.#parts(`${name}.entry`)
    return Object.fromEntries(entries.map((entry) => [entry.text('key'), entry.text('value')]))
  }

  attributes(): MessageAttributes {
    const entries = this.#parts('MessageAttributes.entry')
    return Object.fromEntries(entries.map((entry) => [entry.text('Name'), attributeOf(entry)]))
  }

  #parts(name: string): Query[] {
    const start = `${this.#prefix}${name}.`
    const numbers = new Set<number>()
    for (const key of this.#parameters.keys())
      if (key.startsWith(start)) numbers.add(Number.parseInt(key.slice(start.length), 10))
    return [...numbers]
      .sort((a, b) => a - b)
      .map((number) => new Query(this.#parameters, `${start}${number}.`))
  }
}

function attributeOf(entry: Query): MessageAttribute {
  const value = entry.get('Value.StringValue') ?? entry.text('Value.BinaryValue')
  return { type: entry.text('Value.DataType'), value }
}
