import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { substitutions } from './references.ts'

/** What a value of a template may refer to. The look-ups throw a clear sentence when they fail. */
export interface Scope {
  /** A parameter, pseudo parameter or resource; `undefined` represents AWS::NoValue. */
  ref(name: string): Json | undefined
  attribute(logicalId: string, attribute: string): Json
  importValue(name: string): Json
  condition(name: string): boolean
  mapping(map: string, key: string, name: string): Json | undefined
  /** A last change to every text that was put together, for example to local host names. */
  rewrite(text: string): string
  readonly availabilityZones: readonly string[]
}

type Intrinsic = (argument: Json, scope: Scope) => Json | undefined

/**
 * The value with all of CloudFormation's intrinsic functions resolved; members that resolve to
 * AWS::NoValue are left out. An unknown function is an error.
 */
export function resolve(value: Json, scope: Scope): Json | undefined {
  if (typeof value === 'string') return literal(value)
  if (Array.isArray(value)) return value.map((item) => resolve(item, scope)).filter(isPresent)
  if (!isJsonObject(value)) return value
  const name = intrinsicName(value)
  if (name === undefined) return resolveMembers(value, scope)
  const intrinsic = intrinsics[name]
  if (intrinsic === undefined) throw new Error(`the function ${name} is not known`)
  return intrinsic(value[name] ?? null, scope)
}

/** Whether a condition of the template, or a condition function, holds. */
export function resolveCondition(value: Json, scope: Scope): boolean {
  const name = isJsonObject(value) ? Object.keys(value)[0] : undefined
  const test = name === undefined ? undefined : conditions[name]
  if (test === undefined || name === undefined || !isJsonObject(value)) {
    throw new Error(`${JSON.stringify(value)} is not a condition`)
  }
  return test(value[name] ?? null, scope)
}

function resolveMembers(value: JsonObject, scope: Scope): JsonObject {
  const members: [string, Json][] = []
  for (const [key, member] of Object.entries(value)) {
    const resolved = resolve(member, scope)
    if (resolved !== undefined) members.push([key, resolved])
  }
  return Object.fromEntries(members)
}

function intrinsicName(value: JsonObject): string | undefined {
  const keys = Object.keys(value)
  const name = keys.find((key) => key === 'Ref' || key.startsWith('Fn::'))
  if (name === undefined || (name === 'Ref' && keys.length > 1)) return undefined
  if (keys.length > 1) throw new Error(`${name} may not be next to other keys`)
  return name
}

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (name, scope) => scope.ref(text(name, 'Ref')),
  'Fn::GetAtt': getAttribute,
  'Fn::Join': join,
  'Fn::Sub': substitute,
  'Fn::Select': select,
  'Fn::Split': split,
  'Fn::If': choose,
  'Fn::ImportValue': (name, scope) =>
    scope.importValue(resolveText(name, scope, 'Fn::ImportValue')),
  'Fn::FindInMap': findInMap,
  'Fn::Base64': (value, scope) =>
    Buffer.from(resolveText(value, scope, 'Fn::Base64')).toString('base64'),
  'Fn::GetAZs': (_region, scope) => [...scope.availabilityZones],
  'Fn::Equals': (value, scope) => resolveCondition({ 'Fn::Equals': value }, scope),
  'Fn::And': (value, scope) => resolveCondition({ 'Fn::And': value }, scope),
  'Fn::Or': (value, scope) => resolveCondition({ 'Fn::Or': value }, scope),
  'Fn::Not': (value, scope) => resolveCondition({ 'Fn::Not': value }, scope),
}

const conditions: Readonly<Record<string, (argument: Json, scope: Scope) => boolean>> = {
  Condition: (name, scope) => scope.condition(text(name, 'Condition')),
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list(argument, 'Fn::Equals').map((side) => resolve(side, scope))
    return scalar(left) === scalar(right)
  },
  'Fn::And': (argument, scope) =>
    list(argument, 'Fn::And').every((part) => resolveCondition(part, scope)),
  'Fn::Or': (argument, scope) =>
    list(argument, 'Fn::Or').some((part) => resolveCondition(part, scope)),
  'Fn::Not': (argument, scope) => !resolveCondition(list(argument, 'Fn::Not')[0] ?? null, scope),
}

function getAttribute(argument: Json, scope: Scope): Json {
  if (typeof argument === 'string') return attributeOf(argument, scope)
  const [logicalId, attribute] = list(argument, 'Fn::GetAtt')
  return scope.attribute(
    text(logicalId, 'Fn::GetAtt'),
    resolveText(attribute ?? null, scope, 'Fn::GetAtt'),
  )
}

function attributeOf(path: string, scope: Scope): Json {
  const dot = path.indexOf('.')
  if (dot < 0) throw new Error(`Fn::GetAtt of ${path} names no attribute`)
  return scope.attribute(path.slice(0, dot), path.slice(dot + 1))
}

function join(argument: Json, scope: Scope): Json {
  const [delimiter, values] = list(argument, 'Fn::Join')
  const parts = list(resolve(values ?? null, scope), 'Fn::Join').map((part) => scalar(part))
  return scope.rewrite(parts.join(text(delimiter, 'Fn::Join')))
}

function substitute(argument: Json, scope: Scope): Json {
  const [template, variables] = Array.isArray(argument) ? argument : [argument, {}]
  const given = isJsonObject(variables) ? resolveMembers(variables, scope) : {}
  const values = new Map<string, string>()
  const source = text(template, 'Fn::Sub')
  for (const name of substitutions(source)) {
    values.set(name, scalar(given[name] ?? substitution(name, scope)))
  }
  const replaced = source.replace(/\$\{(!?)([^}]*)\}/g, (_all, escaped: string, name: string) =>
    escaped ? `\${${name}}` : (values.get(name.trim()) ?? ''),
  )
  return scope.rewrite(replaced)
}

function substitution(name: string, scope: Scope): Json | undefined {
  return name.includes('.') ? attributeOf(name, scope) : scope.ref(name)
}

function select(argument: Json, scope: Scope): Json {
  const [index, values] = list(argument, 'Fn::Select')
  const items = list(resolve(values ?? null, scope), 'Fn::Select')
  const item = items[Number(scalar(resolve(index ?? null, scope)))]
  if (item === undefined) throw new Error(`Fn::Select finds no element ${JSON.stringify(index)}`)
  return item
}

function split(argument: Json, scope: Scope): Json {
  const [delimiter, value] = list(argument, 'Fn::Split')
  return resolveText(value ?? null, scope, 'Fn::Split').split(text(delimiter, 'Fn::Split'))
}

function choose(argument: Json, scope: Scope): Json | undefined {
  const [condition, yes, no] = list(argument, 'Fn::If')
  return resolve((scope.condition(text(condition, 'Fn::If')) ? yes : no) ?? null, scope)
}

function findInMap(argument: Json, scope: Scope): Json {
  const [map, key, name, options] = list(argument, 'Fn::FindInMap')
  const path = [map, key, name].map((part) => resolveText(part ?? null, scope, 'Fn::FindInMap'))
  const found = scope.mapping(path[0] ?? '', path[1] ?? '', path[2] ?? '')
  const fallback = isJsonObject(options) ? options.DefaultValue : undefined
  const value = found ?? (fallback === undefined ? undefined : resolve(fallback, scope))
  if (value === undefined) throw new Error(`the mapping has no value at ${path.join(', ')}`)
  return value
}

/** Dynamic references read Secrets Manager and Parameter Store, which the embedded cloud lacks. */
function literal(value: string): string {
  if (!value.includes('{{resolve:')) return value
  throw new Error(`the dynamic reference ${value} is not supported`)
}

function isPresent(value: Json | undefined): value is Json {
  return value !== undefined
}

function resolveText(value: Json, scope: Scope, where: string): string {
  return text(resolve(value, scope), where)
}

function text(value: Json | undefined, where: string): string {
  if (typeof value === 'string') return value
  throw new Error(`${where} needs a text, not ${JSON.stringify(value)}`)
}

function scalar(value: Json | undefined): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new Error(`a text is needed, not ${JSON.stringify(value)}`)
}

function list(value: Json | undefined, where: string): readonly Json[] {
  if (Array.isArray(value)) return value
  throw new Error(`${where} needs a list, not ${JSON.stringify(value)}`)
}
