/**
 * The strings of a policy document: `*` and `?` as wildcards, `${variable}` for a value of the request.
 * Source: IAM user guide, "IAM policy elements: Variables and tags".
 */

/** What a request says about itself; some condition keys carry several values. */
export type PolicyContext = Readonly<Record<string, string | readonly string[]>>

interface Variable {
  readonly key: string
  readonly fallback: string | undefined
}

/** A policy string taken apart once; wildcards in its text are the two marks below. */
export type Template = readonly (string | Variable)[]

// Wildcards are kept as marks that no value may contain, so that a device that names itself `*` gains nothing.
const ANY = '\u0000'
const ONE = '\u0001'

export interface TemplateOptions {
  readonly wildcards: boolean
  /** Only policies of version 2012-10-17 have variables. */
  readonly variables: boolean
}

/** Takes a policy string apart; throws on a variable that is not closed. */
export function parseTemplate(text: string, options: TemplateOptions): Template {
  if (!options.variables) return [markWildcards(text, options)]
  return text.split(/(\$\{[^}]*\})/).flatMap((piece, index) => {
    if (index % 2 === 1) return [variableOf(piece.slice(2, -1))]
    if (piece.includes('${'))
      throw new Error(`The policy string "${text}" has a "\${" without "}".`)
    return piece === '' ? [] : [markWildcards(piece, options)]
  })
}

function markWildcards(text: string, options: TemplateOptions): string {
  return options.wildcards ? text.replaceAll('*', ANY).replaceAll('?', ONE) : text
}

function variableOf(inside: string): string | Variable {
  if (inside === '*' || inside === '?' || inside === '$') return inside
  const [, key, fallback] = /^([^,]*?)(?:\s*,\s*'([^']*)'\s*)?$/.exec(inside) ?? [undefined, inside]
  return { key: (key ?? inside).trim(), fallback }
}

/** The string with its variables replaced; undefined when a variable has no single value. */
export function expand(template: Template, context: PolicyContext): string | undefined {
  let text = ''
  for (const piece of template) {
    const value = typeof piece === 'string' ? piece : variableValue(piece, context)
    if (value === undefined) return undefined
    text += value
  }
  return text
}

function variableValue(variable: Variable, context: PolicyContext): string | undefined {
  const values = contextValues(context, variable.key)
  const value =
    values === undefined ? variable.fallback : values.length === 1 ? values[0] : undefined
  return value === undefined || value.includes(ANY) || value.includes(ONE) ? undefined : value
}

/** The values of a condition key, whose name ignores case; undefined when the request has none. */
export function contextValues(context: PolicyContext, key: string): readonly string[] | undefined {
  const value = context[key] ?? context[sameKey(context, key) ?? '']
  return typeof value === 'string' ? [value] : value
}

function sameKey(context: PolicyContext, key: string): string | undefined {
  const wanted = key.toLowerCase()
  return Object.keys(context).find((candidate) => candidate.toLowerCase() === wanted)
}

/** Whether an expanded pattern matches a text; linear for all but contrived patterns, never exponential. */
export function matches(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let resume = 0
  while (t < text.length) {
    if (pattern[p] === ANY) {
      star = p++
      resume = t
    } else if (p < pattern.length && (pattern[p] === ONE || pattern[p] === text[t])) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++resume
    } else return false
  }
  while (pattern[p] === ANY) p++
  return p === pattern.length
}
