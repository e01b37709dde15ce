import {
  type CloudFormationClient,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation'
import type {
  Assembly,
  AssemblyStack,
} from '../../packages/embedded-cloud/src/assembly/assembly.ts'
import { resolve, type Scope } from '../../packages/embedded-cloud/src/assembly/intrinsics.ts'
import {
  isJsonObject,
  type Json,
  type JsonObject,
} from '../../packages/embedded-cloud/src/assembly/json.ts'
import type { CloudIdentity } from '../../packages/embedded-cloud/src/types.ts'
import { TargetError } from './emulator.ts'

/** A resource of the original templates, its properties resolved to what the emulator made. */
export interface DeployedResource {
  readonly logicalId: string
  /** What Ref gives; of a resource that was left out, its logical id. */
  readonly physicalId: string
  readonly properties: JsonObject
}

export interface Deployed {
  /** Output values by stack name and output key. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>
  resources(type: string): DeployedResource[]
}

/** Reads from CloudFormation what the stacks of an assembly have become. */
export async function readDeployed(
  assembly: Assembly,
  client: CloudFormationClient,
): Promise<Deployed> {
  const stacks = await Promise.all(assembly.stacks.map((stack) => readStack(stack, client)))
  const exported = new Map(stacks.flatMap(({ exports }) => exports))
  return {
    outputs: Object.fromEntries(stacks.map(({ stack, outputs }) => [stack.name, outputs])),
    resources: (type) =>
      stacks.flatMap((made) => resourcesOf(type, made, assembly.identity, exported)),
  }
}

interface MadeStack {
  readonly stack: AssemblyStack
  readonly outputs: Readonly<Record<string, string>>
  readonly exports: [name: string, value: string][]
  readonly physicalIds: ReadonlyMap<string, string>
}

async function readStack(stack: AssemblyStack, client: CloudFormationClient): Promise<MadeStack> {
  const StackName = stack.name
  const { Stacks: [found] = [] } = await client.send(new DescribeStacksCommand({ StackName }))
  if (found?.StackStatus !== 'CREATE_COMPLETE' && found?.StackStatus !== 'UPDATE_COMPLETE')
    throw new TargetError(`stack ${StackName} is ${found?.StackStatus ?? 'not there'}: see the log`)
  const { StackResources: resources = [] } = await client.send(
    new DescribeStackResourcesCommand({ StackName }),
  )
  const outputs = found.Outputs ?? []
  return {
    stack,
    outputs: Object.fromEntries(
      outputs.map((each) => [each.OutputKey ?? '', each.OutputValue ?? '']),
    ),
    exports: outputs.flatMap(({ ExportName, OutputValue }) =>
      ExportName && OutputValue ? [[ExportName, OutputValue]] : [],
    ),
    physicalIds: new Map(
      resources.map((each) => [each.LogicalResourceId ?? '', each.PhysicalResourceId ?? '']),
    ),
  }
}

function resourcesOf(
  type: string,
  made: MadeStack,
  identity: CloudIdentity,
  exported: ReadonlyMap<string, string>,
): DeployedResource[] {
  const scope = new DeployedScope(made, identity, exported)
  const all = Object.entries(made.stack.template.resources)
  return all
    .filter(([, resource]) => resource.type === type)
    .map(([logicalId, resource]) => {
      const properties = resolve(resource.properties, scope)
      const physicalId = made.physicalIds.get(logicalId) ?? logicalId
      return { logicalId, physicalId, properties: isJsonObject(properties) ? properties : {} }
    })
}

/** ARNs by type, from the physical id; the queue's is its URL. */
const arns: Readonly<Record<string, (id: string) => [service: string, resource: string]>> = {
  'AWS::IoT::TopicRule': (id) => ['iot', `rule/${id}`],
  'AWS::Lambda::Function': (id) => ['lambda', `function:${id}`],
  'AWS::SQS::Queue': (id) => ['sqs', id.split('/').at(-1) ?? id],
}

/** What the original templates refer to, as it is called in the emulator. */
class DeployedScope implements Scope {
  readonly availabilityZones = []
  readonly #made: MadeStack
  readonly #identity: CloudIdentity
  readonly #exported: ReadonlyMap<string, string>

  constructor(made: MadeStack, identity: CloudIdentity, exported: ReadonlyMap<string, string>) {
    this.#made = made
    this.#identity = identity
    this.#exported = exported
  }

  ref(name: string): Json | undefined {
    const { accountId, region } = this.#identity
    const pseudo: Record<string, string> = {
      'AWS::AccountId': accountId,
      'AWS::Partition': 'aws',
      'AWS::Region': region,
      'AWS::StackName': this.#made.stack.name,
      'AWS::URLSuffix': 'amazonaws.com',
    }
    return pseudo[name] ?? this.#named(name) ?? this.#made.physicalIds.get(name) ?? name
  }

  attribute(logicalId: string, attribute: string): Json {
    const type = this.#made.stack.template.resources[logicalId]?.type ?? ''
    const arnOf = arns[type]
    const id = String(this.ref(logicalId))
    // roles are not looked at: the emulators do not enforce IAM
    if (attribute !== 'Arn' || arnOf === undefined) return `${logicalId}.${attribute}`
    const [service, resource] = arnOf(id)
    const { accountId, region } = this.#identity
    return `arn:aws:${service}:${region}:${accountId}:${resource}`
  }

  importValue(name: string): Json {
    const value = this.#exported.get(name)
    if (value === undefined) throw new TargetError(`no stack in the emulator exports ${name}`)
    return value
  }

  condition(): boolean {
    throw new TargetError('conditions in templates are not supported by this target')
  }

  mapping(): undefined {
    return undefined
  }

  rewrite(text: string): string {
    return text
  }

  /** A rule that is left out has the name that the template gives it. */
  #named(logicalId: string): Json | undefined {
    const { type, properties } = this.#made.stack.template.resources[logicalId] ?? {}
    return type === 'AWS::IoT::TopicRule' ? properties?.RuleName : undefined
  }
}
