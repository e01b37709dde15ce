export type Operator =
  | 'or'
  | 'and'
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'path'; readonly steps: readonly string[] }
  /** `*` as an argument: the payload's bytes. */
  | { readonly kind: 'payload' }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'not' | 'minus'; readonly operand: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: Operator
      readonly left: Expression
      readonly right: Expression
    }

export type Item =
  | { readonly kind: 'everything' }
  | { readonly kind: 'field'; readonly name: string; readonly expression: Expression }

export interface Statement {
  readonly items: readonly Item[]
  /** The topic filter; absent for a rule that only Basic Ingest reaches. */
  readonly from: string | undefined
  readonly where: Expression | undefined
}
