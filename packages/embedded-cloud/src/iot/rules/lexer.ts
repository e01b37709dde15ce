/**
 * A piece of a rule's SQL. Words keep their spelling; the `text` of a string is the part between
 * its quotes.
 */
export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'symbol' | 'end'
  readonly text: string
}

const patterns: readonly { readonly kind: Token['kind']; readonly pattern: RegExp }[] = [
  { kind: 'word', pattern: /[A-Za-z_][A-Za-z0-9_]*/y },
  { kind: 'number', pattern: /\d+(?:\.\d+)?/y },
  { kind: 'string', pattern: /'(?:[^']|'')*'/y },
  { kind: 'symbol', pattern: /<>|<=|>=|!=|[=<>+\-*/%(),.]/y },
]

/** Takes AWS IoT SQL apart; throws one sentence at the first thing that is not part of the language here. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = []
  let at = skipSpace(sql, 0)
  while (at < sql.length) {
    const token = tokenAt(sql, at)
    if (token === undefined)
      throw new Error(`the SQL cannot be read at "${sql.slice(at, at + 20)}"`)
    tokens.push({
      kind: token.kind,
      text: token.kind === 'string' ? unquote(token.text) : token.text,
    })
    at = skipSpace(sql, at + token.text.length)
  }
  return [...tokens, { kind: 'end', text: 'the end' }]
}

function tokenAt(sql: string, at: number): Token | undefined {
  for (const { kind, pattern } of patterns) {
    pattern.lastIndex = at
    const text = pattern.exec(sql)?.[0]
    if (text !== undefined) return { kind, text }
  }
  return undefined
}

function skipSpace(sql: string, at: number): number {
  const space = /\s*/y
  space.lastIndex = at
  return at + (space.exec(sql)?.[0].length ?? 0)
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replaceAll("''", "'")
}
