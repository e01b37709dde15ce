import type { Assembly, AssemblyStack } from '../assembly/assembly.ts'
import { resolve } from '../assembly/intrinsics.ts'
import { isJsonObject, type Json, type JsonObject } from '../assembly/json.ts'
import { inOrder } from '../assembly/order.ts'
import { referencesIn } from '../assembly/references.ts'
import type { DeletionPolicy, TemplateResource } from '../assembly/template.ts'
import { CloudStartError, messageOf } from '../cloud-start-error.ts'
import { stackArn } from './custom-resources.ts'
import { Properties } from './properties.ts'
import type { Made, Resource } from './resource.ts'
import type { CloudParts } from './resource-type.ts'
import { StackScope } from './stack-scope.ts'
import { resourceType, takesAnyProperties } from './types.ts'

/** A stack whose resources are made. */
export interface DeployedStack {
  readonly name: string
  readonly arn: string
  readonly description: string
  status: StackStatus
  readonly outputs: readonly DeployedOutput[]
  /** Each after those it depends on. */
  resources: readonly DeployedResource[]
  /** Names of the exports of other stacks that it uses. */
  readonly imports: ReadonlySet<string>
}

export type StackStatus = 'UPDATE_COMPLETE' | 'DELETE_IN_PROGRESS' | 'DELETE_FAILED'

export interface DeployedOutput {
  readonly key: string
  readonly value: string
  readonly description?: string
  readonly exportName?: string
}

export interface DeployedResource {
  readonly logicalId: string
  readonly physicalId: string
  readonly type: string
  readonly deletionPolicy: DeletionPolicy
  /** Logical ids. */
  readonly dependencies: readonly string[]
  /** What it was made from, and the result. */
  readonly resource: Resource
  readonly made: Made
}

/** Creates all stacks of an assembly, one after the other; `progress` gets a line for each. */
export async function deploy(
  assembly: Assembly,
  cloud: CloudParts,
  progress: (line: string) => void,
): Promise<DeployedStack[]> {
  const exported = new Map<string, string>()
  const deployed: DeployedStack[] = []
  for (const stack of assembly.stacks) {
    const made = await deployStack(stack, cloud, exported)
    progress(`stack ${stack.name}: ${made.resources.length} resources`)
    deployed.push(made)
  }
  return deployed
}

async function deployStack(
  stack: AssemblyStack,
  cloud: CloudParts,
  exported: Map<string, string>,
): Promise<DeployedStack> {
  const arn = stackArn(cloud.identity, stack.name)
  const scope = new StackScope(stack, arn, cloud.identity, exported, (text) =>
    cloud.gateways.rewrite(text),
  )
  const resources: DeployedResource[] = []
  for (const [logicalId, template] of activeResources(stack, scope)) {
    const after = madeBefore(dependencies(template), resources)
    const one = await makeResource(stack, logicalId, template, after, scope, cloud)
    scope.add(logicalId, one.made)
    resources.push(one)
  }
  const outputs = stackOutputs(stack, scope)
  const exports = exportsOf(outputs)
  for (const [exportName, value] of Object.entries(exports)) exported.set(exportName, value)
  const { name, template } = stack
  const { description } = template
  const { imports } = scope
  await cloud.exports.update(name, { exports, imports: [...imports] })
  return { name, arn, description, status: 'UPDATE_COMPLETE', outputs, resources, imports }
}

/** The resources whose conditions hold, each after those it refers to. */
function activeResources(
  { name, template }: AssemblyStack,
  scope: StackScope,
): [string, TemplateResource][] {
  const active = new Map(
    Object.entries(template.resources).filter(
      ([, { condition }]) => condition === undefined || scope.condition(condition),
    ),
  )
  const ordered = inOrder(
    [...active.keys()],
    (id) => dependencies(active.get(id)).filter((other) => active.has(other)),
    `resources of stack ${name}`,
  )
  return ordered.flatMap((id): [string, TemplateResource][] => {
    const resource = active.get(id)
    return resource ? [[id, resource]] : []
  })
}

function dependencies(resource: TemplateResource | undefined): string[] {
  if (resource === undefined) return []
  return [...resource.dependsOn, ...referencesIn(resource.properties)]
}

/** What a resource depends on, and what that depends on in turn. */
function madeBefore(
  direct: readonly string[],
  made: readonly DeployedResource[],
): ReadonlySet<string> {
  const earlier = made.filter(({ logicalId }) => direct.includes(logicalId))
  return new Set(earlier.flatMap(({ logicalId, resource }) => [logicalId, ...resource.after]))
}

async function makeResource(
  stack: AssemblyStack,
  logicalId: string,
  template: TemplateResource,
  after: ReadonlySet<string>,
  scope: StackScope,
  cloud: CloudParts,
): Promise<DeployedResource> {
  const where = `Resource ${logicalId} (${template.type}) of stack ${stack.name}`
  const type = resourceType(template.type)
  if (type === undefined) {
    throw new CloudStartError(`${where}: the embedded cloud does not know this type.`)
  }
  try {
    const properties = new Properties(resolveProperties(template.properties, scope), where)
    if (!takesAnyProperties(type)) properties.only(type.uses, type.ignores ?? [])
    const asset = (key: string) => stack.assets.get(key)
    const resource: Resource = {
      stack: stack.name,
      logicalId,
      type: template.type,
      properties,
      where,
      after,
      asset,
    }
    const made = await type.make(resource, cloud)
    const { deletionPolicy } = template
    const known = { logicalId, type: template.type, deletionPolicy, resource, made }
    return { ...known, physicalId: made.ref, dependencies: dependencies(template) }
  } catch (cause) {
    throw locate(cause, where)
  }
}

/** The error with the resource it belongs to, unless it says so already. */
export function locate(cause: unknown, where: string): CloudStartError {
  const message = messageOf(cause)
  if (cause instanceof CloudStartError && message.includes(where)) return cause
  return new CloudStartError(`${where}: ${message.replace(/\.?$/, '.')}`, { cause })
}

function resolveProperties(properties: JsonObject, scope: StackScope): JsonObject {
  const resolved = resolve(properties, scope)
  return isJsonObject(resolved) ? resolved : {}
}

function stackOutputs({ name, template }: AssemblyStack, scope: StackScope): DeployedOutput[] {
  const active = Object.entries(template.outputs).filter(
    ([, { condition }]) => condition === undefined || scope.condition(condition),
  )
  return active.map(([key, output]) => {
    try {
      const exportName = output.exportName && resolve(output.exportName, scope)
      return {
        key,
        value: outputText(resolve(output.value, scope)),
        ...(output.description !== undefined && { description: output.description }),
        ...(typeof exportName === 'string' && { exportName }),
      }
    } catch (cause) {
      throw locate(cause, `Output ${key} of stack ${name}`)
    }
  })
}

function exportsOf(outputs: readonly DeployedOutput[]): Record<string, string> {
  return Object.fromEntries(
    outputs.flatMap(({ exportName, value }) => (exportName ? [[exportName, value]] : [])),
  )
}

function outputText(value: Json | undefined): string {
  if (Array.isArray(value)) return value.join(',')
  if (isJsonObject(value)) throw new Error('its value is no text')
  return String(value ?? '')
}
