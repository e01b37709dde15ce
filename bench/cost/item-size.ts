/**
 * Bytes of an item as DynamoDB meters it: names and texts in UTF-8, numbers about half a byte a digit
 * and one, bytes as they are (Amazon DynamoDB developer guide, "Item sizes and formats").
 */
export function itemBytes(item: object): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value as AttributeJson),
    0,
  )
}

/** An attribute value as a request contains it. */
interface AttributeJson {
  readonly S?: string
  readonly N?: string
  readonly B?: string
  readonly SS?: readonly string[]
}

function valueBytes({ S, N, B, SS }: AttributeJson): number {
  if (S !== undefined) return Buffer.byteLength(S)
  if (N !== undefined) return Math.ceil(N.length / 2) + 1
  if (B !== undefined) return Math.floor((B.length * 3) / 4)
  if (SS !== undefined) return SS.reduce((sum, text) => sum + Buffer.byteLength(text), 3)
  return 1
}
