import { isJsonObject, type Json } from '../assembly/json.ts'

/** Whether an event passes; see `compileFilter`. */
export type EventFilter = (event: Json) => boolean

type Test = (value: Json | undefined) => boolean

/**
 * Compiles an event pattern as event source mappings filter by it. Throws a sentence about anything
 * unsupported, so that a filter never passes or drops what it would not on AWS. Source: AWS Lambda
 * developer guide, "Filter rule syntax".
 */
export function compileFilter(pattern: Json): EventFilter {
  const test = compileNode(pattern)
  return (event) => test(event)
}

function compileNode(pattern: Json): Test {
  if (Array.isArray(pattern)) return anyOf(pattern.map(compileRule))
  if (!isJsonObject(pattern)) throw new Error(`a filter needs lists of values, not ${pattern}`)
  const members = Object.entries(pattern).map(([key, part]) => member(key, part))
  return (value) => members.every((test) => test(value))
}

function member(key: string, part: Json): Test {
  if (key === '$or') return anyOf(Array.isArray(part) ? part.map(compileNode) : [])
  const test = compileNode(part)
  return (value) => test(isJsonObject(value) ? value[key] : undefined)
}

function compileRule(rule: Json): Test {
  if (!isJsonObject(rule)) return onEach((value) => value === rule)
  const [operator, operand] = Object.entries(rule)[0] ?? ['', null]
  const make = rules[operator]
  if (make === undefined) throw new Error(`the filter rule ${operator} is not supported`)
  return make(operand)
}

const rules: Readonly<Record<string, (operand: Json) => Test>> = {
  exists: (operand) => (value) => (value !== undefined) === operand,
  prefix: (operand) => onText((value) => value.startsWith(String(operand))),
  suffix: (operand) => onText((value) => value.endsWith(String(operand))),
  'equals-ignore-case': (operand) =>
    onText((value) => value.toLowerCase() === String(operand).toLowerCase()),
  'anything-but': anythingBut,
  numeric,
}

function anythingBut(operand: Json): Test {
  if (isJsonObject(operand)) {
    const test = compileRule(operand)
    return (value) => value !== undefined && !test(value)
  }
  const refused = Array.isArray(operand) ? operand : [operand]
  return onEach((value) => !refused.includes(value))
}

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
}

function numeric(operand: Json): Test {
  const parts = Array.isArray(operand) ? operand : []
  const tests = parts.flatMap((operator, index) => {
    if (index % 2 === 1) return []
    const [compare, bound] = [comparisons[String(operator)], parts[index + 1]]
    if (compare === undefined || typeof bound !== 'number') {
      throw new Error(`the numeric filter ${JSON.stringify(operand)} is not supported`)
    }
    return [(value: number) => compare(value, bound)]
  })
  return onEach((value) => typeof value === 'number' && tests.every((test) => test(value)))
}

function onText(test: (value: string) => boolean): Test {
  return onEach((value) => typeof value === 'string' && test(value))
}

/** A rule matches a list when it matches one of its members. */
function onEach(test: (value: Json) => boolean): Test {
  return (value) => {
    if (value === undefined) return false
    return Array.isArray(value) ? value.some(test) : test(value)
  }
}

function anyOf(tests: readonly Test[]): Test {
  return (value) => tests.some((test) => test(value))
}
