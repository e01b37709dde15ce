import type { Assembly, AssemblyStack } from '../assembly/assembly.ts'
import { resolve } from '../assembly/intrinsics.ts'
import { isJsonObject, type Json, type JsonObject } from '../assembly/json.ts'
import { inOrder } from '../assembly/order.ts'
import { referencesIn } from '../assembly/references.ts'
import type { TemplateResource } from '../assembly/template.ts'
import { CloudStartError, messageOf } from '../cloud-start-error.ts'
import { stackArn } from './custom-resources.ts'
import { Properties } from './properties.ts'
import type { CloudParts, Made, Resource } from './resource-type.ts'
import { StackScope } from './stack-scope.ts'
import { resourceType, takesAnyProperties } from './types.ts'

/** A stack whose resources are made. */
export interface DeployedStack {
  readonly name: string
  readonly arn: string
  readonly description: string
  readonly outputs: readonly DeployedOutput[]
  readonly resources: readonly DeployedResource[]
}

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
}

/** Makes all stacks of an assembly, one after the other; `progress` hears a line for each. */
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
    const made = await makeResource(stack, logicalId, template, scope, cloud)
    scope.add(logicalId, made)
    resources.push({ logicalId, physicalId: made.ref, type: template.type })
  }
  const outputs = stackOutputs(stack, scope)
  for (const { exportName, value } of outputs) if (exportName) exported.set(exportName, value)
  return { name: stack.name, arn, description: stack.template.description, outputs, resources }
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

async function makeResource(
  stack: AssemblyStack,
  logicalId: string,
  template: TemplateResource,
  scope: StackScope,
  cloud: CloudParts,
): Promise<Made> {
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
      asset,
    }
    return await type.make(resource, cloud)
  } catch (cause) {
    throw locate(cause, where)
  }
}

/** The error with the resource it belongs to, unless it says so already. */
function locate(cause: unknown, where: string): CloudStartError {
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

function outputText(value: Json | undefined): string {
  if (Array.isArray(value)) return value.join(',')
  if (isJsonObject(value)) throw new Error('its value is no text')
  return String(value ?? '')
}
