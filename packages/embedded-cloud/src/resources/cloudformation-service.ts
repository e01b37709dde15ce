import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { AwsError, answer, answerServiceError, escapeXml, notAuthorized } from '../answer.ts'
import type { Service, ServiceRequest } from '../types.ts'
import type { DeployedOutput, DeployedResource, DeployedStack } from './deploy.ts'

const namespace = 'http://cloudformation.amazonaws.com/doc/2010-05-15/'

type Action = (stacks: readonly DeployedStack[]) => string

/** The read-only part of CloudFormation's Query API, with which operators find outputs and names. */
export function cloudFormationService(stacks: () => readonly DeployedStack[]): Service {
  return {
    signingNames: ['cloudformation'],
    handle: async (request, response) => handle(request, response, stacks()),
  }
}

const actions: Readonly<Record<string, Action>> = {
  DescribeStacks: (stacks) => list('Stacks', stacks.map(stackXml)),
  DescribeStackResources: (stacks) =>
    list(
      'StackResources',
      stacks.flatMap((s) => s.resources.map((r) => describedXml(s, r))),
    ),
  ListStackResources: (stacks) =>
    list(
      'StackResourceSummaries',
      stacks.flatMap((s) => s.resources.map(summaryXml)),
    ),
  ListExports: (stacks) => list('Exports', stacks.flatMap(exportsXml)),
  ListStacks: (stacks) => list('StackSummaries', stacks.map(stackFields)),
}

function handle(
  request: ServiceRequest,
  response: ServerResponse,
  all: readonly DeployedStack[],
): void {
  try {
    const parameters = new URLSearchParams(request.body.toString('utf8'))
    const name = parameters.get('Action') ?? ''
    const action = actions[name]
    if (action === undefined) throw new AwsError('InvalidAction', `${name} is not known here.`)
    const stacks = stacksNamed(all, parameters.get('StackName'))
    demand(request, `cloudformation:${name}`, stacks)
    answerXml(response, name, action(stacks))
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    answerServiceError(response, 'cloudformation', error.status, error.code, error.message)
  }
}

/** The stacks that a call is about: the one that it names, or all. */
function stacksNamed(
  all: readonly DeployedStack[],
  wanted: string | null,
): readonly DeployedStack[] {
  if (wanted === null) return all
  const found = all.filter(({ name, arn }) => name === wanted || arn === wanted)
  if (found.length > 0) return found
  throw new AwsError('ValidationError', `Stack with id ${wanted} does not exist`)
}

function demand(
  { caller }: ServiceRequest,
  action: string,
  stacks: readonly DeployedStack[],
): void {
  const resource = stacks.length === 1 ? (stacks[0]?.arn ?? '*') : '*'
  if (caller.may(action, resource)) return
  throw new AwsError('AccessDenied', notAuthorized(caller.name, action, resource), 403)
}

function answerXml(response: ServerResponse, action: string, result: string): void {
  const metadata = element('ResponseMetadata', element('RequestId', randomUUID()))
  const body = element(`${action}Result`, result) + metadata
  const xml = `<${action}Response xmlns="${namespace}">${body}</${action}Response>`
  answer(response, 200, { 'content-type': 'text/xml' }, xml)
}

function stackXml(stack: DeployedStack): string {
  return stackFields(stack) + list('Outputs', stack.outputs.map(outputXml))
}

function stackFields({ name, arn, description, status }: DeployedStack): string {
  return (
    text('StackName', name) +
    text('StackId', arn) +
    text('StackStatus', status) +
    text('CreationTime', started) +
    (description && text('Description', description))
  )
}

const started = new Date().toISOString()

function outputXml({ key, value, description, exportName }: DeployedOutput): string {
  return (
    text('OutputKey', key) +
    text('OutputValue', value) +
    (description ? text('Description', description) : '') +
    (exportName ? text('ExportName', exportName) : '')
  )
}

function describedXml(stack: DeployedStack, resource: DeployedResource): string {
  return (
    text('StackName', stack.name) +
    text('StackId', stack.arn) +
    resourceFields(resource) +
    text('Timestamp', started)
  )
}

function summaryXml(resource: DeployedResource): string {
  return resourceFields(resource) + text('LastUpdatedTimestamp', started)
}

function resourceFields({ logicalId, physicalId, type }: DeployedResource): string {
  return (
    text('LogicalResourceId', logicalId) +
    text('PhysicalResourceId', physicalId) +
    text('ResourceType', type) +
    text('ResourceStatus', 'CREATE_COMPLETE')
  )
}

function exportsXml(stack: DeployedStack): string[] {
  return stack.outputs.flatMap(({ exportName, value }) =>
    exportName
      ? [text('ExportingStackId', stack.arn) + text('Name', exportName) + text('Value', value)]
      : [],
  )
}

function list(name: string, members: readonly string[]): string {
  return element(name, members.map((member) => element('member', member)).join(''))
}

function text(name: string, value: string): string {
  return element(name, escapeXml(value))
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`
}
