import { readFileSync } from 'node:fs'
import { CloudStartError, messageOf } from '../cloud-start-error.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'

/** A CloudFormation template as far as the embedded cloud reads it. */
export interface Template {
  readonly description: string
  readonly parameters: Readonly<Record<string, TemplateParameter>>
  readonly mappings: JsonObject
  readonly conditions: JsonObject
  readonly resources: Readonly<Record<string, TemplateResource>>
  readonly outputs: Readonly<Record<string, TemplateOutput>>
}

export interface TemplateParameter {
  readonly type: string
  readonly default?: Json
}

export interface TemplateResource {
  readonly type: string
  /** Not resolved yet: may hold intrinsic functions. */
  readonly properties: JsonObject
  readonly dependsOn: readonly string[]
  readonly deletionPolicy: DeletionPolicy
  readonly condition?: string
}

export type DeletionPolicy = (typeof deletionPolicies)[number]

export interface TemplateOutput {
  readonly value: Json
  readonly description?: string
  readonly exportName?: Json
  readonly condition?: string
}

/** `Rules` and `Metadata` guard a deployment by CloudFormation itself and make nothing. */
const sections = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Rules',
  'Parameters',
  'Mappings',
  'Conditions',
  'Resources',
  'Outputs',
]

/** What happens to a resource whose stack is deleted; nothing here takes snapshots. */
const deletionPolicies = ['Delete', 'Retain', 'RetainExceptOnCreate'] as const

const resourceKeys = [
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'Metadata',
  'DeletionPolicy',
  'UpdateReplacePolicy',
]

/** Reads a template file; `stack` names it in errors. */
export function readTemplate(file: string, stack: string): Template {
  return parseTemplate(readJson(file), stack)
}

/** Checks the form of a template; what its values mean is found out when they are resolved. */
export function parseTemplate(document: Json, stack: string): Template {
  const template = object(document, `the template of stack ${stack}`)
  onlyKeys(template, sections, `the template of stack ${stack}`)
  return {
    description: typeof template.Description === 'string' ? template.Description : '',
    parameters: mapSection(template, 'Parameters', stack, parseParameter),
    mappings: section(template, 'Mappings', stack),
    conditions: section(template, 'Conditions', stack),
    resources: mapSection(template, 'Resources', stack, parseResource),
    outputs: mapSection(template, 'Outputs', stack, parseOutput),
  }
}

/** Reads a JSON file of the assembly. */
export function readJson(file: string): Json {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Json
  } catch (cause) {
    throw new CloudStartError(
      `The assembly file ${file} cannot be read (${messageOf(cause)}); run cdk synth again.`,
      { cause },
    )
  }
}

function parseParameter(value: JsonObject): TemplateParameter {
  const type = typeof value.Type === 'string' ? value.Type : 'String'
  return value.Default === undefined ? { type } : { type, default: value.Default }
}

function parseResource(value: JsonObject, where: string): TemplateResource {
  onlyKeys(value, resourceKeys, where)
  if (typeof value.Type !== 'string') throw new CloudStartError(`In ${where}, Type is missing.`)
  return {
    type: value.Type,
    properties: value.Properties === undefined ? {} : object(value.Properties, where),
    dependsOn: names(value.DependsOn),
    deletionPolicy: parseDeletionPolicy(value.DeletionPolicy, where),
    ...(typeof value.Condition === 'string' && { condition: value.Condition }),
  }
}

/** CloudFormation's own default is to delete, for every type that is made here. */
function parseDeletionPolicy(value: Json | undefined, where: string): DeletionPolicy {
  const known = deletionPolicies.find((policy) => policy === (value ?? 'Delete'))
  if (known !== undefined) return known
  throw new CloudStartError(`In ${where}, DeletionPolicy ${String(value)} is not known here.`)
}

function parseOutput(value: JsonObject, where: string): TemplateOutput {
  if (value.Value === undefined) throw new CloudStartError(`In ${where}, Value is missing.`)
  const exported = isJsonObject(value.Export) ? value.Export.Name : undefined
  return {
    value: value.Value,
    ...(typeof value.Description === 'string' && { description: value.Description }),
    ...(exported !== undefined && { exportName: exported }),
    ...(typeof value.Condition === 'string' && { condition: value.Condition }),
  }
}

function names(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : []
}

function mapSection<T>(
  template: JsonObject,
  name: string,
  stack: string,
  parse: (value: JsonObject, where: string) => T,
): Record<string, T> {
  const entries = Object.entries(section(template, name, stack))
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const where = `${name}.${key} of stack ${stack}`
      return [key, parse(object(value, where), where)]
    }),
  )
}

function section(template: JsonObject, name: string, stack: string): JsonObject {
  const value = template[name]
  return value === undefined ? {} : object(value, `${name} of stack ${stack}`)
}

function object(value: Json, where: string): JsonObject {
  if (isJsonObject(value)) return value
  throw new CloudStartError(`${where} must be an object.`)
}

function onlyKeys(value: JsonObject, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown === undefined) return
  throw new CloudStartError(`The embedded cloud does not know ${unknown} in ${where}.`)
}
