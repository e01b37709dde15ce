/** JSON Schema, as far as the messages of this protocol need it. */
export interface Schema {
  readonly type?: 'string' | 'integer' | 'boolean' | 'array' | 'object'
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: false
}

declare const written: unique symbol

/** A value on the wire: the schema that documents are checked against, and the type that code uses. */
export interface Shape<Value> {
  readonly schema: Schema
  readonly [written]?: Value
}

/** The type of what has this shape. */
export type Of<Described> = Described extends Shape<infer Value> ? Value : never

type Fields = Readonly<Record<string, Shape<unknown>>>
type ObjectOf<Required extends Fields, Optional extends Fields> = {
  readonly [Key in keyof Required]: Of<Required[Key]>
} & { readonly [Key in keyof Optional]?: Of<Optional[Key]> }

export function text<Value extends string = string>(
  limits: Pick<Schema, 'pattern' | 'minLength' | 'maxLength'> = {},
): Shape<Value> {
  return { schema: { type: 'string', ...limits } }
}

export const integer: Shape<number> = { schema: { type: 'integer' } }
export const boolean: Shape<boolean> = { schema: { type: 'boolean' } }
export const anyObject: Shape<object> = { schema: { type: 'object' } }

export function oneOf<const Value>(values: readonly Value[]): Shape<Value> {
  return { schema: { enum: values } }
}

export function constant<const Value>(value: Value): Shape<Value> {
  return { schema: { const: value } }
}

export function list<Value>(
  of: Shape<Value>,
  limits: Pick<Schema, 'maxItems'> = {},
): Shape<Value[]> {
  return { schema: { type: 'array', ...limits, items: of.schema } }
}

/** An object with these fields; readers ignore fields that they do not know. */
export function open<Required extends Fields, Optional extends Fields = Record<never, never>>(
  required: Required,
  optional?: Optional,
): Shape<ObjectOf<Required, Optional>> {
  return { schema: objectSchema(required, optional ?? {}) }
}

/** An object with these fields and no other. */
export function closed<Required extends Fields, Optional extends Fields = Record<never, never>>(
  required: Required,
  optional?: Optional,
): Shape<ObjectOf<Required, Optional>> {
  return { schema: { ...objectSchema(required, optional ?? {}), additionalProperties: false } }
}

function objectSchema(required: Fields, optional: Fields): Schema {
  const fields = Object.entries({ ...required, ...optional })
  return {
    type: 'object',
    required: Object.keys(required),
    properties: Object.fromEntries(fields.map(([key, { schema }]) => [key, schema])),
  }
}
