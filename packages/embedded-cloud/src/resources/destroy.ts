import { CloudStartError, messageOf } from '../cloud-start-error.ts'
import { type DeployedResource, type DeployedStack, locate } from './deploy.ts'
import type { CloudParts } from './resource-type.ts'
import { resourceType } from './types.ts'

/**
 * Deletes a stack and takes it from the list: each resource after those that depend on it, and not
 * those that the template retains. If one cannot be deleted, what it depends on stays, too, the
 * rest is deleted, and the stack is left in DELETE_FAILED; deleting may be repeated. Source:
 * CloudFormation user guide, "DeletionPolicy attribute" and "Delete stack fails".
 */
export async function destroyStack(
  stack: DeployedStack,
  all: DeployedStack[],
  cloud: CloudParts,
): Promise<void> {
  refuseWhileInUse(stack, all)
  stack.status = 'DELETE_IN_PROGRESS'
  const failures = await destroyResources(stack, cloud)
  const [failure] = failures
  if (failure !== undefined) {
    stack.status = 'DELETE_FAILED'
    throw failure
  }
  all.splice(all.indexOf(stack), 1)
  await cloud.exports.remove(stack.name)
}

function refuseWhileInUse(stack: DeployedStack, all: readonly DeployedStack[]): void {
  for (const { exportName } of stack.outputs) {
    const user = all.find((other) => other !== stack && exportName && other.imports.has(exportName))
    if (user === undefined) continue
    throw new CloudStartError(
      `The stack ${stack.name} cannot be deleted: the export ${exportName} is in use by ${user.name}.`,
    )
  }
}

/** Leaves in the stack what could not be deleted. */
async function destroyResources(
  stack: DeployedStack,
  cloud: CloudParts,
): Promise<readonly CloudStartError[]> {
  const left: DeployedResource[] = []
  const failures: CloudStartError[] = []
  for (const one of [...stack.resources].reverse()) {
    const isNeeded = left.some(({ dependencies }) => dependencies.includes(one.logicalId))
    const failure = isNeeded ? undefined : await destroyResource(one, cloud)
    if (failure) failures.push(failure)
    if (isNeeded || failure) left.unshift(one)
  }
  stack.resources = left
  return failures
}

async function destroyResource(
  { type, deletionPolicy, resource, made }: DeployedResource,
  cloud: CloudParts,
): Promise<CloudStartError | undefined> {
  // everything here has been created; RetainExceptOnCreate differs only during creation
  if (deletionPolicy !== 'Delete') return undefined
  try {
    await resourceType(type)?.remove?.(resource, made, cloud)
    return undefined
  } catch (cause) {
    cloud.log('stacks', `${resource.where}: DELETE_FAILED, ${messageOf(cause)}`)
    return locate(cause, resource.where)
  }
}
