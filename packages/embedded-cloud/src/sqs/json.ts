/** The input or the answer of an action, as JSON. */
export type Json = Readonly<Record<string, unknown>>
