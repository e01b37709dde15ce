/** What a JSON text holds when it is an object. */
export type JsonObject = Readonly<Record<string, unknown>>

export function asObject(value: unknown): JsonObject | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return value as JsonObject
}

/** The object in a JSON text, or undefined if it is not an object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}

export function textAt(object: JsonObject, key: string): string | undefined {
  const value = object[key]
  return typeof value === 'string' ? value : undefined
}

export function numberAt(object: JsonObject, key: string): number | undefined {
  const value = object[key]
  return typeof value === 'number' ? value : undefined
}

/** The elements of an array that `read` can make sense of. */
export function listAt<Item>(
  object: JsonObject,
  key: string,
  read: (value: unknown) => Item | undefined,
): Item[] {
  const value = object[key]
  if (!Array.isArray(value)) return []
  return value.map(read).filter((item) => item !== undefined)
}
