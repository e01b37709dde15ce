import { join } from 'node:path'
import { CloudStartError } from '../cloud-start-error.ts'
import type { AsyncConfig } from '../functions/async-invocations.ts'
import { type CodeSource, unpackCode } from '../functions/code.ts'
import type { FunctionDefinition } from '../functions/definition.ts'
import { mapping } from './event-source-mapping.ts'
import { arn, type Made, physicalName, type Resource } from './resource.ts'
import type { CloudParts, ResourceType } from './resource-type.ts'

const longestName = 64
/** Lambda's own defaults. */
const defaultTimeoutSeconds = 3
const defaultMemoryMegabytes = 128
/** Lambda refuses more, in bytes of names and values. */
const largestEnvironment = 4096

const lambdaFunction: ResourceType = {
  type: 'AWS::Lambda::Function',
  uses: [
    'FunctionName',
    'Code',
    'Handler',
    'Runtime',
    'Role',
    'Environment',
    'Timeout',
    'MemorySize',
    'ReservedConcurrentExecutions',
    'DeadLetterConfig',
    'PackageType',
  ],
  // Threads of this machine have its processor, disk and network; logs go to files, traces nowhere.
  ignores: [
    'Architectures',
    'Description',
    'EphemeralStorage',
    'KmsKeyArn',
    'LoggingConfig',
    'RecursiveLoop',
    'RuntimeManagementConfig',
    'SnapStart',
    'Tags',
    'TracingConfig',
  ],
  make: makeFunction,
  remove: (_resource, { ref }, cloud) => cloud.functions.remove(ref),
}

const permission: ResourceType = {
  type: 'AWS::Lambda::Permission',
  uses: ['FunctionName', 'Action', 'Principal', 'SourceArn'],
  ignores: ['SourceAccount', 'EventSourceToken'],
  make: ({ logicalId, properties, where }, cloud) => {
    const sourceArn = properties.optionalText('SourceArn')
    cloud.permissions.add({
      functionArn: knownFunction(cloud, properties.text('FunctionName'), where).arn,
      action: properties.text('Action'),
      principal: properties.text('Principal'),
      ...(sourceArn !== undefined && { sourceArn }),
    })
    return { ref: logicalId }
  },
}

const eventInvokeConfig: ResourceType = {
  type: 'AWS::Lambda::EventInvokeConfig',
  uses: [
    'FunctionName',
    'Qualifier',
    'MaximumRetryAttempts',
    'MaximumEventAgeInSeconds',
    'DestinationConfig',
  ],
  make: makeEventInvokeConfig,
}

const version: ResourceType = {
  type: 'AWS::Lambda::Version',
  uses: ['FunctionName'],
  ignores: ['CodeSha256', 'Description', 'ProvisionedConcurrencyConfig', 'RuntimePolicy'],
  make: ({ properties, where }, cloud) => {
    const known = knownFunction(cloud, properties.text('FunctionName'), where)
    return { ref: `${known.arn}:1`, attributes: { Version: '1', FunctionArn: `${known.arn}:1` } }
  },
}

const alias: ResourceType = {
  type: 'AWS::Lambda::Alias',
  uses: ['FunctionName', 'Name', 'FunctionVersion'],
  ignores: ['Description', 'ProvisionedConcurrencyConfig'],
  make: ({ properties, where }, cloud) => {
    const known = knownFunction(cloud, properties.text('FunctionName'), where)
    const aliasArn = `${known.arn}:${properties.text('Name')}`
    return { ref: aliasArn, attributes: { AliasArn: aliasArn } }
  },
}

export const lambdaTypes: readonly ResourceType[] = [
  lambdaFunction,
  permission,
  mapping,
  eventInvokeConfig,
  version,
  alias,
]

function makeFunction(resource: Resource, cloud: CloudParts): Made {
  const definition = functionDefinition(resource, cloud)
  cloud.roles.assumable(definition.role, 'lambda.amazonaws.com', resource.where)
  const deadLetters = definition.deadLetterArn
  if (deadLetters !== undefined) {
    cloud.whenMade(() =>
      cloud.roles.demand(definition.role, 'sqs:SendMessage', deadLetters, resource.where),
    )
  }
  cloud.functions.define(definition)
  return { ref: definition.name, attributes: { Arn: definition.arn } }
}

function functionDefinition(resource: Resource, cloud: CloudParts): FunctionDefinition {
  const { properties } = resource
  const name = properties.optionalText('FunctionName') ?? physicalName(resource, longestName)
  const reserved = properties.optionalNumber('ReservedConcurrentExecutions')
  const deadLetters = properties.optionalObject('DeadLetterConfig')?.optionalText('TargetArn')
  return {
    name,
    arn: arn(cloud.identity, 'lambda', `function:${name}`),
    handler: properties.text('Handler'),
    runtime: nodeRuntime(resource),
    codeFolder: unpackCode(codeSource(resource), join(cloud.codeFolder, name), name),
    variables: variables(resource, cloud),
    role: properties.text('Role'),
    timeoutSeconds: properties.optionalNumber('Timeout') ?? defaultTimeoutSeconds,
    memoryMegabytes: properties.optionalNumber('MemorySize') ?? defaultMemoryMegabytes,
    ...(reserved !== undefined && { reservedConcurrency: reserved }),
    ...(deadLetters !== undefined && { deadLetterArn: deadLetters }),
  }
}

function nodeRuntime({ properties }: Resource): string {
  const runtime = properties.text('Runtime')
  if (runtime.startsWith('nodejs')) return runtime
  throw properties.error('Runtime', `is ${runtime}, but the embedded cloud runs Node.js only`)
}

function codeSource({ properties, asset }: Resource): CodeSource {
  const code = properties.object('Code')
  code.only(['ZipFile', 'S3Bucket', 'S3Key'])
  const inline = code.optionalText('ZipFile')
  if (inline !== undefined) return { inline }
  const found = asset(code.text('S3Key'))
  if (found !== undefined) return { asset: found }
  throw code.error('S3Key', 'names no asset of this assembly')
}

/** What a stack says of an API's address is told as it is here. */
function variables({ properties }: Resource, { gateways }: CloudParts): Record<string, string> {
  const given = properties.optionalObject('Environment')?.optionalObject('Variables')
  if (given === undefined) return {}
  const entries = Object.keys(given.values).map((name) => [name, given.text(name)] as const)
  const size = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (size > largestEnvironment) {
    throw properties.error(
      'Environment',
      `takes ${size} bytes; Lambda allows ${largestEnvironment}`,
    )
  }
  return Object.fromEntries(entries.map(([name, value]) => [name, gateways.rewrite(value)]))
}

function makeEventInvokeConfig({ properties, where }: Resource, cloud: CloudParts): Made {
  const known = knownFunction(cloud, properties.text('FunctionName'), where)
  const destinations = properties.optionalObject('DestinationConfig')
  const destination = (name: string) => destinations?.optionalObject(name)?.text('Destination')
  const [onFailure, onSuccess] = [destination('OnFailure'), destination('OnSuccess')]
  const age = properties.optionalNumber('MaximumEventAgeInSeconds')
  const config: AsyncConfig = {
    retries: properties.optionalNumber('MaximumRetryAttempts') ?? 2,
    ...(age !== undefined && { maximumAgeSeconds: age }),
    ...(onFailure !== undefined && { onFailure }),
    ...(onSuccess !== undefined && { onSuccess }),
  }
  cloud.functions.configureAsync(known.arn, config)
  cloud.whenMade(() => {
    for (const target of [onFailure, onSuccess]) {
      if (target) cloud.roles.demand(known.role, destinationAction(target), target, where)
    }
  })
  return { ref: `${known.name}-event-invoke-config` }
}

/** What a function's role needs to send to a destination. */
function destinationAction(target: string): string {
  return target.includes(':lambda:') ? 'lambda:InvokeFunction' : 'sqs:SendMessage'
}

function knownFunction(cloud: CloudParts, reference: string, where: string): FunctionDefinition {
  const known = cloud.functions.find(reference)
  if (known) return known
  throw new CloudStartError(`${where}: no stack makes the function ${reference}.`)
}
