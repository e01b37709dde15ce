import type { Datum } from './datum.ts'

type Line = Readonly<Record<string, unknown>>

/** `AWS::Logs::MetricFilter`, as a template contains it. */
export interface MetricFilter {
  readonly FilterPattern: string
  readonly LogGroupName: string
  readonly MetricTransformations: readonly {
    readonly MetricNamespace: string
    readonly MetricName: string
    readonly MetricValue: string
    readonly Dimensions?: readonly { readonly Key: string; readonly Value: string }[]
  }[]
}

/**
 * What CloudWatch Logs would count of a log line: one value per transformation of every filter that
 * matches. A dimension whose field is missing, or a value that is not a number, makes none.
 * Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters".
 */
export function filtered(
  filters: readonly MetricFilter[],
  logGroup: string,
  text: string,
  time: number,
): Datum[] {
  const line = parse(text)
  if (!line) return []
  return filters
    .filter(({ LogGroupName }) => LogGroupName === logGroup)
    .filter(({ FilterPattern }) => matches(FilterPattern, line))
    .flatMap(({ MetricTransformations }) => MetricTransformations)
    .flatMap((each) => datum(each, line, time) ?? [])
}

/**
 * What CloudWatch would take of a log line with metrics in it: each value of each metric, for each set of
 * dimensions. Source: CloudWatch user guide, "Specification: Embedded metric format".
 */
export function embedded(text: string, time: number): Datum[] {
  const line = parse(text)
  if (!line) return []
  return objectsIn(fieldsOf(line._aws).CloudWatchMetrics).flatMap((directive) =>
    objectsIn(directive.Metrics).flatMap(({ Name }) =>
      listOf(directive.Dimensions).flatMap((keys) => {
        const metric = {
          namespace: String(directive.Namespace),
          name: String(Name),
          dimensions: Object.fromEntries(listOf(keys).map((key) => [key, textOf(line, key)])),
        }
        return valuesOf(line[String(Name)]).map((value) => ({ ...metric, value, time }))
      }),
    ),
  )
}

function valuesOf(field: unknown): number[] {
  return [field]
    .flat()
    .filter((value) => typeof value === 'number' && Number.isFinite(value)) as number[]
}

function textOf(line: Line, key: unknown): string {
  return String(line[String(key)])
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function objectsIn(value: unknown): Line[] {
  return listOf(value).map(fieldsOf)
}

/** Whatever a function prints, nothing is thrown for it. */
function fieldsOf(value: unknown): Line {
  return typeof value === 'object' && value !== null ? (value as Line) : {}
}

function parse(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Line) : undefined
  } catch {
    return undefined
  }
}

function datum(
  transformation: MetricFilter['MetricTransformations'][number],
  line: Line,
  time: number,
): Datum | undefined {
  const { MetricNamespace: namespace, MetricName: name, Dimensions = [] } = transformation
  const value = Number(selected(transformation.MetricValue, line))
  const dimensions = Dimensions.map(({ Key, Value }) => [Key, selected(Value, line)] as const)
  if (Number.isNaN(value) || dimensions.some(([, each]) => each === undefined)) return undefined
  const texts = dimensions.map(([key, each]) => [key, String(each)])
  return { namespace, name, dimensions: Object.fromEntries(texts), value, time }
}

/** `$.field` of the line, or the text itself. */
function selected(selector: string, line: Line): unknown {
  return selector.startsWith('$.') ? line[selector.slice(2)] : selector
}

const term = /^\(?\s*\$\.(\w+)\s*(!=|>=|<=|=|>|<)\s*(?:"([^"]*)"|(-?\d+(?:\.\d+)?))\s*\)?$/
const absent = /^\(?\s*\$\.(\w+) NOT EXISTS\s*\)?$/

/**
 * Whether a JSON pattern matches: comparisons and `NOT EXISTS`, joined by `&&`, and these by `||`, as the CDK
 * writes them. A `*` at the end of a text stands for anything.
 * @throws for any other pattern.
 */
export function matches(pattern: string, line: Line): boolean {
  const [, inner] = /^\{\s*(.*?)\s*\}$/.exec(pattern) ?? []
  if (!inner) throw new Error(`the filter pattern ${pattern} is not one for JSON`)
  const any = inner
    .split('||')
    .map((all) => all.split('&&').map((part) => compares(part.trim(), line)))
  return any.some((all) => all.every(Boolean))
}

function compares(text: string, line: Line): boolean {
  const [, missing] = absent.exec(text) ?? []
  if (missing) return line[missing] === undefined
  const [, field, operator = '', word, digits] = term.exec(text) ?? []
  // a text has no order, and a parenthesis that closes elsewhere would be misread
  const isKnown = word === undefined || operator === '=' || operator === '!='
  if (!field || !isKnown || text.startsWith('(') !== text.endsWith(')'))
    throw new Error(`the filter pattern's part ${text} is not known here`)
  const value = line[field]
  if (value === undefined) return false
  if (word === undefined) return numberCompares(Number(value), operator, Number(digits), value)
  return like(word, String(value)) === (operator === '=')
}

function numberCompares(left: number, operator: string, right: number, value: unknown): boolean {
  switch (operator) {
    case '=':
      return value === right
    case '!=':
      return value !== right
    case '>':
      return left > right
    case '<':
      return left < right
    case '>=':
      return left >= right
    default:
      return left <= right
  }
}

function like(pattern: string, value: string): boolean {
  return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern
}
