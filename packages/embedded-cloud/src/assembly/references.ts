import { isJsonObject, type Json } from './json.ts'

/**
 * The names that a value refers to by Ref, Fn::GetAtt and Fn::Sub: logical ids, parameters and
 * pseudo parameters alike. Both branches of an Fn::If count, as in CloudFormation.
 */
export function referencesIn(value: Json): Set<string> {
  const found = new Set<string>()
  collect(value, found)
  return found
}

/** The `${Name}` and `${Name.Attribute}` of an Fn::Sub text; `${!literal}` is not one. */
export function substitutions(text: string): string[] {
  return [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map((match) => (match[1] ?? '').trim())
}

function collect(value: Json, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const element of value) collect(element, found)
  } else if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value)) collectMember(key, member, found)
  }
}

function collectMember(key: string, value: Json, found: Set<string>): void {
  if (key === 'Ref' && typeof value === 'string') found.add(value)
  else if (key === 'Fn::GetAtt') addAttribute(value, found)
  else if (key === 'Fn::Sub') addSubstitution(value, found)
  else collect(value, found)
}

function addAttribute(value: Json, found: Set<string>): void {
  const target = Array.isArray(value) ? value[0] : value
  if (typeof target === 'string') found.add(beforeDot(target))
}

function addSubstitution(value: Json, found: Set<string>): void {
  const [text, variables] = Array.isArray(value) ? value : [value, {}]
  if (isJsonObject(variables)) collect(variables, found)
  if (typeof text !== 'string') return
  const own = isJsonObject(variables) ? variables : {}
  for (const name of substitutions(text)) if (!(name in own)) found.add(beforeDot(name))
}

function beforeDot(name: string): string {
  return name.split('.', 1)[0] ?? name
}
