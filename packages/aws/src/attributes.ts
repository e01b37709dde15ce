import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { parseTopic, type Topic } from '@heliograph/protocol/identifiers'

/** DynamoDB's typed attributes, written and read by hand: the document client costs 150 µs a call. */

export type Item = Record<string, AttributeValue>

export const s = (value: string): AttributeValue => ({ S: value })
export const n = (value: number): AttributeValue => ({ N: String(value) })
export const b = (value: Uint8Array): AttributeValue => ({ B: value })

export function text(item: Item, name: string): string {
  const value = item[name]?.S
  if (value === undefined) throw new Error(`attribute ${name} is missing in a stored item`)
  return value
}

/**
 * An attribute that must be valid: `parsed(item, 'deviceId', parseDeviceId)`.
 * @throws if it is missing or not valid.
 */
export function parsed<Value>(
  item: Item,
  name: string,
  parse: (text: string) => Value | undefined,
): Value {
  const value = parse(text(item, name))
  if (value === undefined) throw new Error(`attribute ${name} of a stored item is malformed`)
  return value
}

export function optionalText(item: Item, name: string): string | undefined {
  return item[name]?.S
}

export function number(item: Item, name: string): number {
  const value = optionalNumber(item, name)
  if (value === undefined) throw new Error(`attribute ${name} is missing in a stored item`)
  return value
}

export function optionalNumber(item: Item, name: string): number | undefined {
  const value = item[name]?.N
  return value === undefined ? undefined : Number(value)
}

/** Its topics. One that is malformed fails the item as a whole: with fewer topics it would be another. */
export function topicsOf({ topics }: Item): Topic[] {
  const parsedTopics = (topics?.SS ?? []).flatMap((topic) => parseTopic(topic) ?? [])
  if (parsedTopics.length === 0 || parsedTopics.length !== topics?.SS?.length)
    throw new Error('attribute topics of a stored item is malformed')
  return parsedTopics
}

/** Leaves out undefined values, for optional properties under `exactOptionalPropertyTypes`. */
export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
