import type { AssemblyStack } from '../assembly/assembly.ts'
import { resolve, resolveCondition, type Scope } from '../assembly/intrinsics.ts'
import { isJsonObject, type Json } from '../assembly/json.ts'
import type { CloudIdentity } from '../types.ts'
import type { Made } from './resource.ts'

/** What the values of one stack may refer to; grows as its resources are made. */
export class StackScope implements Scope {
  readonly availabilityZones: readonly string[]
  /** Names of exports that were asked for so far. */
  readonly imports = new Set<string>()
  readonly #stack: AssemblyStack
  readonly #pseudo: ReadonlyMap<string, Json | undefined>
  readonly #exported: ReadonlyMap<string, string>
  readonly #rewrite: (text: string) => string
  readonly #made = new Map<string, Made>()
  readonly #conditions = new Map<string, boolean | 'being evaluated'>()

  constructor(
    stack: AssemblyStack,
    stackId: string,
    identity: CloudIdentity,
    exported: ReadonlyMap<string, string>,
    rewrite: (text: string) => string,
  ) {
    this.#stack = stack
    this.#exported = exported
    this.#rewrite = rewrite
    this.#pseudo = pseudoParameters(stack.name, stackId, identity)
    this.availabilityZones = ['a', 'b', 'c'].map((zone) => identity.region + zone)
  }

  add(logicalId: string, made: Made): void {
    this.#made.set(logicalId, made)
  }

  ref(name: string): Json | undefined {
    if (this.#pseudo.has(name)) return this.#pseudo.get(name)
    const made = this.#made.get(name)
    return made ? made.ref : this.#parameter(name)
  }

  attribute(logicalId: string, attribute: string): Json {
    const made = this.#made.get(logicalId)
    if (made === undefined) throw this.#unknown(logicalId)
    const value = made.attributes?.[attribute]
    if (value !== undefined) return value
    throw new Error(`${logicalId} has no attribute ${attribute} in the embedded cloud`)
  }

  importValue(name: string): Json {
    const value = this.#exported.get(name)
    this.imports.add(name)
    if (value !== undefined) return value
    throw new Error(`no stack before this one exports ${name}`)
  }

  condition(name: string): boolean {
    const known = this.#conditions.get(name)
    if (known === 'being evaluated') throw new Error(`the condition ${name} depends on itself`)
    if (known !== undefined) return known
    const condition = this.#stack.template.conditions[name]
    if (condition === undefined) throw new Error(`there is no condition ${name}`)
    this.#conditions.set(name, 'being evaluated')
    const value = resolveCondition(condition, this)
    this.#conditions.set(name, value)
    return value
  }

  mapping(map: string, key: string, name: string): Json | undefined {
    const entries = this.#stack.template.mappings[map]
    const values = isJsonObject(entries) ? entries[key] : undefined
    return isJsonObject(values) ? values[name] : undefined
  }

  rewrite(text: string): string {
    return this.#rewrite(text)
  }

  #parameter(name: string): Json {
    const parameter = this.#stack.template.parameters[name]
    if (parameter === undefined) throw this.#unknown(name)
    const value = this.#stack.parameters[name] ?? parameter.default
    if (value === undefined) throw new Error(`the parameter ${name} has no default`)
    if (parameter.type.startsWith('AWS::SSM::')) {
      throw new Error(`the parameter ${name} is kept in Parameter Store, which is not here`)
    }
    const isList = parameter.type === 'CommaDelimitedList' || parameter.type.startsWith('List<')
    return isList ? String(value).split(',') : (resolve(value, this) ?? '')
  }

  #unknown(name: string): Error {
    const left = name in this.#stack.template.resources
    return new Error(left ? `${name} is left out by its condition` : `there is no ${name}`)
  }
}

function pseudoParameters(
  stack: string,
  stackId: string,
  { accountId, region }: CloudIdentity,
): ReadonlyMap<string, Json | undefined> {
  return new Map<string, Json | undefined>([
    ['AWS::AccountId', accountId],
    ['AWS::NoValue', undefined],
    ['AWS::NotificationARNs', []],
    ['AWS::Partition', 'aws'],
    ['AWS::Region', region],
    ['AWS::StackId', stackId],
    ['AWS::StackName', stack],
    ['AWS::URLSuffix', 'amazonaws.com'],
  ])
}
