import { functions } from './functions.ts'
import { type Token, tokenize } from './lexer.ts'
import type { Expression, Item, Operator, Statement } from './syntax.ts'

/**
 * Reads the part of AWS IoT SQL (version 2016-03-23) that is evaluated here:
 * `SELECT * | expression [AS name], … [FROM 'filter'] [WHERE expression]`.
 * Throws one sentence for anything else.
 * Source: https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html
 */
export function parseSql(sql: string): Statement {
  const tokens = new Tokens(tokenize(sql))
  tokens.demandWord('SELECT')
  const items = list(tokens, item)
  const from = tokens.takeWord('FROM') ? tokens.demand('string') : undefined
  const where = tokens.takeWord('WHERE') ? expression(tokens) : undefined
  if (tokens.next.kind !== 'end') throw tokens.unexpected()
  return { items, from, where }
}

/** What is between its words is not evaluated here: CASE, nested SELECT, IN … */
const reserved = new Set(
  'select value from where as and or not in case when then else end exists is null true false'.split(
    ' ',
  ),
)

class Tokens {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: 'the end' }
  }

  advance(): Token {
    const token = this.next
    this.#at++
    return token
  }

  takeSymbol(...symbols: string[]): string | undefined {
    if (this.next.kind !== 'symbol' || !symbols.includes(this.next.text)) return undefined
    return this.advance().text
  }

  takeWord(word: string): boolean {
    const taken = this.next.kind === 'word' && this.next.text.toLowerCase() === word.toLowerCase()
    if (taken) this.#at++
    return taken
  }

  demandWord(word: string): void {
    if (!this.takeWord(word)) throw new Error(`${word} is expected before "${this.next.text}"`)
  }

  demandSymbol(symbol: string): void {
    if (this.takeSymbol(symbol) === undefined)
      throw new Error(`"${symbol}" is expected before "${this.next.text}"`)
  }

  demand(kind: Token['kind']): string {
    if (this.next.kind !== kind) throw new Error(`a ${kind} is expected before "${this.next.text}"`)
    return this.advance().text
  }

  /** A name that is not a word of the language. */
  demandName(): string {
    if (this.next.kind !== 'word' || reserved.has(this.next.text.toLowerCase()))
      throw this.unexpected()
    return this.advance().text
  }

  unexpected(): Error {
    return new Error(`"${this.next.text}" is not evaluated here at this place`)
  }
}

function list<T>(tokens: Tokens, element: (tokens: Tokens) => T): T[] {
  const elements = [element(tokens)]
  while (tokens.takeSymbol(',')) elements.push(element(tokens))
  return elements
}

function item(tokens: Tokens): Item {
  if (tokens.takeSymbol('*')) return { kind: 'everything' }
  const value = expression(tokens)
  if (tokens.takeWord('AS')) return { kind: 'field', name: tokens.demandName(), expression: value }
  const name = value.kind === 'path' ? value.steps.at(-1) : undefined
  if (name === undefined) throw new Error('what is selected needs a name: add AS and one')
  return { kind: 'field', name, expression: value }
}

const levels: readonly (readonly string[])[] = [
  ['=', '<>', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
]

function expression(tokens: Tokens): Expression {
  let left = conjunction(tokens)
  while (tokens.takeWord('OR')) left = binary('or', left, conjunction(tokens))
  return left
}

function conjunction(tokens: Tokens): Expression {
  let left = negation(tokens)
  while (tokens.takeWord('AND')) left = binary('and', left, negation(tokens))
  return left
}

function negation(tokens: Tokens): Expression {
  return tokens.takeWord('NOT') ? { kind: 'not', operand: negation(tokens) } : operation(tokens, 0)
}

function operation(tokens: Tokens, level: number): Expression {
  const symbols = levels[level]
  if (symbols === undefined) return operand(tokens)
  let left = operation(tokens, level + 1)
  for (;;) {
    const symbol = tokens.takeSymbol(...symbols)
    if (symbol === undefined) return left
    const operator = symbol === '!=' ? '<>' : (symbol as Operator)
    left = binary(operator, left, operation(tokens, level + 1))
  }
}

function binary(operator: Operator, left: Expression, right: Expression): Expression {
  return { kind: 'binary', operator, left, right }
}

function operand(tokens: Tokens): Expression {
  if (tokens.takeSymbol('-')) return { kind: 'minus', operand: operand(tokens) }
  if (tokens.takeSymbol('(')) {
    const inner = expression(tokens)
    tokens.demandSymbol(')')
    return inner
  }
  if (tokens.next.kind === 'string') return { kind: 'literal', value: tokens.advance().text }
  if (tokens.next.kind === 'number')
    return { kind: 'literal', value: Number(tokens.advance().text) }
  return constant(tokens) ?? named(tokens)
}

function constant(tokens: Tokens): Expression | undefined {
  if (tokens.takeWord('TRUE')) return { kind: 'literal', value: true }
  if (tokens.takeWord('FALSE')) return { kind: 'literal', value: false }
  return tokens.takeWord('NULL') ? { kind: 'literal', value: null } : undefined
}

function named(tokens: Tokens): Expression {
  const steps = [tokens.demandName()]
  if (tokens.takeSymbol('(')) return call(steps[0] ?? '', tokens)
  while (tokens.takeSymbol('.')) steps.push(tokens.demand('word'))
  return { kind: 'path', steps }
}

function call(name: string, tokens: Tokens): Expression {
  const args = tokens.takeSymbol(')') ? [] : list(tokens, argument)
  if (args.length > 0) tokens.demandSymbol(')')
  const known = name.toLowerCase()
  const found = Object.hasOwn(functions, known) ? functions[known] : undefined
  if (found === undefined) {
    const names = Object.keys(functions).join(', ')
    throw new Error(`the function ${name}() is not evaluated here; there are ${names}`)
  }
  const [least, most] = found.arity
  if (args.length < least || args.length > most)
    throw new Error(`the function ${name}() does not take ${args.length} arguments`)
  checkArguments(known, args)
  return { kind: 'call', name: known, args }
}

function argument(tokens: Tokens): Expression {
  return tokens.takeSymbol('*') ? { kind: 'payload' } : expression(tokens)
}

function checkArguments(name: string, args: readonly Expression[]): void {
  const [first, second] = args
  if (
    args.some(({ kind }) => kind === 'payload') &&
    (name !== 'encode' || first?.kind !== 'payload')
  )
    throw new Error(`the function ${name}() does not take *`)
  if (name === 'encode' && (second?.kind !== 'literal' || second.value !== 'base64'))
    throw new Error("the function encode() is evaluated here with 'base64' only")
  if (name === 'topic' && first !== undefined && !isLevel(first))
    throw new Error('the function topic() takes a whole number from 1')
}

function isLevel(expression: Expression): boolean {
  return (
    expression.kind === 'literal' &&
    typeof expression.value === 'number' &&
    Number.isInteger(expression.value) &&
    expression.value >= 1
  )
}
