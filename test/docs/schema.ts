import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** The part of JSON Schema that the documents under docs/ use; any other keyword is an error here. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean
  readonly oneOf?: readonly Schema[]
  readonly description?: string
  readonly default?: unknown
}

const KEYWORDS = new Set([
  ...['$ref', 'type', 'enum', 'const', 'pattern', 'minLength', 'maxLength', 'minItems', 'maxItems'],
  ...['items', 'required', 'properties', 'additionalProperties', 'oneOf', 'description', 'default'],
])

/** A YAML document under docs/, with a look-up of its references. */
export class Document {
  readonly root: Readonly<Record<string, unknown>>

  constructor(name: string) {
    const url = new URL(`../../docs/${name}`, import.meta.url)
    this.root = parse(readFileSync(url, 'utf8')) as Record<string, unknown>
  }

  /** The value at `#/a/b`, references followed. */
  at<T>(pointer: string): T {
    const parts = pointer.replace(/^#\//, '').split('/')
    const names = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    let value: unknown = this.root
    for (const name of names) {
      value = (value as Record<string, unknown>)[name]
      if (value === undefined) throw new Error(`${pointer}: there is no ${name}`)
      const reference = (value as Schema).$ref
      if (reference) value = this.at(reference)
    }
    return value as T
  }

  schema(name: string): Schema {
    return this.at(`#/components/schemas/${name}`)
  }

  /** The schema without words for people, its references resolved: what a shape of the protocol gives. */
  bare(schema: Schema): Schema {
    if (schema.$ref) return this.bare(this.at(schema.$ref))
    const { description, default: fallback, items, properties = {}, ...rest } = schema
    const fields = Object.entries(properties).map(([key, field]) => [key, this.bare(field)])
    return {
      ...rest,
      ...(items && { items: this.bare(items) }),
      ...(schema.properties && { properties: Object.fromEntries(fields) }),
    }
  }

  /** What is wrong with a value, by the schema; nothing where it conforms. */
  faults(schema: Schema, value: unknown, path = ''): string[] {
    const unknown = Object.keys(schema).filter((keyword) => !KEYWORDS.has(keyword))
    if (unknown.length > 0) throw new Error(`${path}: this check knows no ${unknown}`)
    if (schema.$ref) return this.faults(this.at(schema.$ref), value, path)
    const here = (wrong: boolean, what: string) => (wrong ? [`${path || '(root)'}: ${what}`] : [])
    return [
      ...here(schema.type !== undefined && !isOf(schema.type, value), `no ${schema.type}`),
      ...here(
        schema.enum !== undefined && !schema.enum.includes(value),
        `${value} is none of them`,
      ),
      ...here(schema.const !== undefined && schema.const !== value, `not ${schema.const}`),
      ...(typeof value === 'string' ? here(!fits(schema, value), `"${value}"`) : []),
      ...(Array.isArray(value) ? this.#ofItems(schema, value, path) : []),
      ...(isOf('object', value) ? this.#ofKeys(schema, value as object, path) : []),
      ...(schema.oneOf ? this.#ofOne(schema.oneOf, value, path) : []),
    ]
  }

  #ofOne(schemas: readonly Schema[], value: unknown, path: string): string[] {
    const fit = schemas.filter((one) => this.faults(one, value, path).length === 0)
    return fit.length === 1 ? [] : [`${path}: fits ${fit.length} of ${schemas.length} forms`]
  }

  #ofItems(
    { items, minItems = 0, maxItems = Infinity }: Schema,
    values: readonly unknown[],
    path: string,
  ): string[] {
    const isCount = values.length >= minItems && values.length <= maxItems
    const wrongCount = isCount ? [] : [`${path}: ${values.length} items`]
    if (!items) return wrongCount
    return [...wrongCount, ...values.flatMap((one, at) => this.faults(items, one, `${path}/${at}`))]
  }

  #ofKeys(schema: Schema, value: object, path: string): string[] {
    const { required = [], properties = {}, additionalProperties } = schema
    const missing = required
      .filter((name) => !(name in value))
      .map((name) => `${path}/${name}: missing`)
    const inside = Object.entries(value).flatMap(([name, one]) => {
      const known = properties[name]
      if (known) return this.faults(known, one, `${path}/${name}`)
      return additionalProperties === false ? [`${path}/${name}: not described`] : []
    })
    return [...missing, ...inside]
  }
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

function fits({ pattern, minLength = 0, maxLength = Infinity }: Schema, text: string): boolean {
  const long = text.length >= minLength && text.length <= maxLength
  return long && (pattern === undefined || new RegExp(pattern, 'u').test(text))
}
