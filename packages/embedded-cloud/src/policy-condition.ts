import {
  contextValues,
  expand,
  matches,
  type PolicyContext,
  parseTemplate,
  type Template,
} from './policy-pattern.ts'

/**
 * The Condition block of a policy statement.
 * Source: IAM user guide, "IAM JSON policy elements: Condition operators".
 */
export type Condition = (context: PolicyContext) => boolean

interface Comparison {
  readonly wildcards: boolean
  readonly negated: boolean
  compare(expected: string, actual: string): boolean
}

const equals = (expected: string, actual: string) => expected === actual
const equalsIgnoringCase = (expected: string, actual: string) =>
  expected.toLowerCase() === actual.toLowerCase()

const comparisons: Readonly<Record<string, Comparison>> = {
  StringEquals: { wildcards: false, negated: false, compare: equals },
  StringNotEquals: { wildcards: false, negated: true, compare: equals },
  StringEqualsIgnoreCase: { wildcards: false, negated: false, compare: equalsIgnoringCase },
  StringNotEqualsIgnoreCase: { wildcards: false, negated: true, compare: equalsIgnoringCase },
  StringLike: { wildcards: true, negated: false, compare: matches },
  StringNotLike: { wildcards: true, negated: true, compare: matches },
  ArnEquals: { wildcards: true, negated: false, compare: arnMatches },
  ArnLike: { wildcards: true, negated: false, compare: arnMatches },
  ArnNotEquals: { wildcards: true, negated: true, compare: arnMatches },
  ArnNotLike: { wildcards: true, negated: true, compare: arnMatches },
  Bool: { wildcards: false, negated: false, compare: equalsIgnoringCase },
}

/** Each of the six parts of an ARN is matched for itself, so `*` does not reach across a colon before the resource. */
function arnMatches(pattern: string, arn: string): boolean {
  const expected = arnParts(pattern)
  const actual = arnParts(arn)
  return (
    expected.length === actual.length &&
    expected.every((part, index) => matches(part, actual[index] ?? ''))
  )
}

function arnParts(arn: string): string[] {
  const parts = arn.split(':')
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')]
}

type Qualifier = 'ForAllValues' | 'ForAnyValue' | undefined

/**
 * Reads one operator with its keys, for example `StringLike: {"iot:Topic": "a/*"}`.
 * Throws on an operator that is not known here.
 */
export function parseCondition(
  operator: string,
  keys: Readonly<Record<string, string | readonly string[]>>,
  variables: boolean,
): Condition[] {
  const [, qualifier, name = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? []
  return Object.entries(keys).map(([key, value]) => {
    const expected = [value].flat().map(String)
    if (name === 'Null') return nullCondition(key, expected)
    const comparison = Object.hasOwn(comparisons, name) ? comparisons[name] : undefined
    if (comparison === undefined) throw new Error(unknownOperator(operator))
    const templates = expected.map((text) =>
      parseTemplate(text, { wildcards: comparison.wildcards, variables }),
    )
    return comparing(key, comparison, templates, qualifier as Qualifier, ifExists !== undefined)
  })
}

function unknownOperator(operator: string): string {
  const known = [...Object.keys(comparisons), 'Null'].join(', ')
  return `The policy condition operator "${operator}" is not evaluated here; use one of ${known}.`
}

function nullCondition(key: string, expected: readonly string[]): Condition {
  return (context) =>
    expected.includes(contextValues(context, key) === undefined ? 'true' : 'false')
}

function comparing(
  key: string,
  comparison: Comparison,
  templates: readonly Template[],
  qualifier: Qualifier,
  ifExists: boolean,
): Condition {
  const whenAbsent =
    qualifier === 'ForAllValues' || ifExists || (comparison.negated && qualifier === undefined)
  return (context) => {
    const actual = contextValues(context, key)
    if (actual === undefined) return whenAbsent
    const expected = templates.map((template) => expand(template, context))
    if (!expected.every((text) => text !== undefined)) return false
    const holds = (value: string) =>
      expected.some((text) => comparison.compare(text, value)) !== comparison.negated
    return allMustHold(comparison, qualifier) ? actual.every(holds) : actual.some(holds)
  }
}

function allMustHold(comparison: Comparison, qualifier: Qualifier): boolean {
  return qualifier === undefined ? comparison.negated : qualifier === 'ForAllValues'
}
