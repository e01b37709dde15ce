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

interface EmbeddedMetric {
  readonly Namespace: string
  readonly Dimensions: readonly (readonly string[])[]
  readonly Metrics: readonly { readonly Name: string }[]
}

/**
 * What CloudWatch would take of a log line with metrics in it: each value of each metric, for each set of
 * dimensions. Source: CloudWatch user guide, "Specification: Embedded metric format".
 */
export function embedded(text: string, time: number): Datum[] {
  const line = parse(text)
  const { CloudWatchMetrics: directives = [] } = (line?._aws ?? {}) as {
    readonly CloudWatchMetrics?: readonly EmbeddedMetric[]
  }
  if (!line) return []
  return directives.flatMap(({ Namespace: namespace, Dimensions, Metrics }) =>
    Metrics.flatMap(({ Name: name }) =>
      Dimensions.flatMap((keys) => {
        const dimensions = Object.fromEntries(keys.map((key) => [key, String(line[key])]))
        return [line[name] ?? []].flat().map((value) => ({
          ...{ namespace, name, dimensions, value: Number(value), time },
        }))
      }),
    ),
  )
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

const term = /^\(?\s*\$\.(\w+)\s*(!=|=|>)\s*(?:"([^"]*)"|(-?\d+(?:\.\d+)?))\s*\)?$/
const absent = /^\(?\s*\$\.(\w+) NOT EXISTS\s*\)?$/

/**
 * Whether a JSON pattern matches: one comparison with `=`, `!=` or `>`, or `NOT EXISTS`, or several joined by
 * `&&`, as the CDK writes them. A `*` at the end of a text matches anything.
 * @throws for any other pattern.
 */
export function matches(pattern: string, line: Line): boolean {
  const [, inner] = /^\{\s*(.*?)\s*\}$/.exec(pattern) ?? []
  if (!inner) throw new Error(`the filter pattern ${pattern} is not one for JSON`)
  return inner.split('&&').every((part) => compares(part.trim(), line))
}

function compares(text: string, line: Line): boolean {
  const [, missing] = absent.exec(text) ?? []
  if (missing) return line[missing] === undefined
  const [, field, operator, word, digits] = term.exec(text) ?? []
  if (!field) throw new Error(`the filter pattern's part ${text} is not known here`)
  const value = line[field]
  if (value === undefined) return false
  if (operator === '>') return Number(value) > Number(digits)
  const equal = word === undefined ? value === Number(digits) : like(word, String(value))
  return operator === '=' ? equal : !equal
}

function like(pattern: string, value: string): boolean {
  return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern
}
