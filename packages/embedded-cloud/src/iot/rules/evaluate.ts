import { functions } from './functions.ts'
import type { Expression, Operator, Statement } from './syntax.ts'
import type { Facts, Value } from './value.ts'

/** What a statement makes of a message; undefined when WHERE leaves it out. */
export function evaluate(statement: Statement, facts: Facts): { output: Value } | undefined {
  if (statement.where !== undefined && value(statement.where, facts) !== true) return undefined
  const [first, ...others] = statement.items
  if (first?.kind === 'everything' && others.length === 0)
    return { output: facts.document === undefined ? facts.payload : facts.document }
  return { output: selection(statement, facts) }
}

function selection(statement: Statement, facts: Facts): object {
  const entries = statement.items.flatMap((item): [string, Value][] => {
    if (item.kind === 'everything')
      return isRecord(facts.document) ? Object.entries(facts.document) : []
    const selected = value(item.expression, facts)
    return selected === undefined ? [] : [[item.name, selected]]
  })
  return Object.fromEntries(entries)
}

function value(expression: Expression, facts: Facts): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'payload':
      return facts.payload
    case 'path':
      return expression.steps.reduce(step, facts.document)
    case 'call': {
      const args = expression.args.map((argument) => value(argument, facts))
      return functions[expression.name]?.call(args, facts)
    }
    case 'not':
      return negate(value(expression.operand, facts))
    case 'minus':
      return arithmetic('-', 0, value(expression.operand, facts))
    case 'binary':
      return binary(expression.operator, expression.left, expression.right, facts)
  }
}

function step(from: Value, name: string): Value {
  return isRecord(from) && Object.hasOwn(from, name) ? from[name] : undefined
}

function isRecord(candidate: Value): candidate is Record<string, Value> {
  return typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate)
}

function negate(operand: Value): Value {
  return typeof operand === 'boolean' ? !operand : undefined
}

function binary(operator: Operator, left: Expression, right: Expression, facts: Facts): Value {
  const first = value(left, facts)
  if (operator === 'and') return first === true && value(right, facts) === true
  if (operator === 'or') return first === true || value(right, facts) === true
  const second = value(right, facts)
  return comparison(operator, first, second) ?? arithmetic(operator, first, second)
}

/** Values of different types are unequal and have no order; nothing compares with Undefined. */
function comparison(operator: Operator, left: Value, right: Value): boolean | undefined {
  if (left === undefined || right === undefined) return undefined
  if (operator === '=') return same(left, right)
  if (operator === '<>') return !same(left, right)
  const ordered =
    (typeof left === 'number' && typeof right === 'number') ||
    (typeof left === 'string' && typeof right === 'string')
  if (!ordered) return undefined
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  if (operator === '>') return left > right
  return operator === '>=' ? left >= right : undefined
}

function same(left: Value, right: Value): boolean {
  return left === right || (isRecord(left) && JSON.stringify(left) === JSON.stringify(right))
}

function arithmetic(operator: Operator, left: Value, right: Value): Value {
  if (operator === '+' && (typeof left === 'string' || typeof right === 'string'))
    return joined(left, right)
  if (typeof left !== 'number' || typeof right !== 'number') return undefined
  const result = compute(operator, left, right)
  return Number.isFinite(result) ? result : undefined
}

function joined(left: Value, right: Value): Value {
  const text = [left, right].map((part) => (typeof part === 'object' ? undefined : part))
  return text.includes(undefined) ? undefined : text.join('')
}

function compute(operator: Operator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
    default:
      return Number.NaN
  }
}
