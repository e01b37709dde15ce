// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates and policies write variables so.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readAssembly } from '../src/assembly/assembly.ts'
import { resolve } from '../src/assembly/intrinsics.ts'
import type { Json } from '../src/assembly/json.ts'
import { inOrder } from '../src/assembly/order.ts'
import { referencesIn } from '../src/assembly/references.ts'
import { parseTemplate } from '../src/assembly/template.ts'
import { StackScope } from '../src/resources/stack-scope.ts'

const identity = { accountId: '000000000000', region: 'eu-west-1' }

/** A scope over a template with a parameter, a mapping, conditions and one made resource. */
function scope(): StackScope {
  const template = parseTemplate(
    {
      Parameters: {
        Size: { Type: 'Number', Default: 3 },
        Names: { Type: 'CommaDelimitedList', Default: 'a,b' },
        Secret: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/x' },
        Open: { Type: 'String' },
      },
      Mappings: { Runtimes: { 'eu-west-1': { node: 'nodejs24.x' } } },
      Conditions: {
        Big: { 'Fn::Equals': [{ Ref: 'Size' }, '3'] },
        Small: { 'Fn::Not': [{ Condition: 'Big' }] },
        Both: { 'Fn::And': [{ Condition: 'Big' }, { Condition: 'Small' }] },
        One: { 'Fn::Or': [{ Condition: 'Big' }, { Condition: 'Small' }] },
        Round: { 'Fn::Not': [{ Condition: 'Round' }] },
      },
      Resources: { Gone: { Type: 'AWS::SQS::Queue', Condition: 'Small' } },
    },
    'web',
  )
  const stack = { name: 'web', template, parameters: {}, assets: new Map<string, string>() }
  const exported = new Map([['other:Arn', 'arn:other']])
  const made = new StackScope(stack, 'arn:stack', identity, exported, (text) =>
    text.replace('far.example', 'localhost'),
  )
  made.add('Table', { ref: 'table-1', attributes: { Arn: 'arn:table', 'Nested.Part': 'deep' } })
  return made
}

describe('intrinsic functions', () => {
  const cases: [what: string, value: Json, expected: Json | undefined][] = [
    ['Ref of a resource', { Ref: 'Table' }, 'table-1'],
    ['Ref of a parameter', { Ref: 'Size' }, 3],
    ['Ref of a list parameter', { Ref: 'Names' }, ['a', 'b']],
    ['Ref of a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
    ['a member that is NoValue is left out', { A: { Ref: 'AWS::NoValue' }, B: 1 }, { B: 1 }],
    ['an element that is NoValue is left out', [{ Ref: 'AWS::NoValue' }, 1], [1]],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Table', 'Arn'] }, 'arn:table'],
    ['GetAtt as a text', { 'Fn::GetAtt': 'Table.Nested.Part' }, 'deep'],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'Table' }, 7]] }, 'a-table-1-7'],
    ['Join over a list', { 'Fn::Join': ['+', { Ref: 'Names' }] }, 'a+b'],
    [
      'Join is rewritten',
      { 'Fn::Join': ['', ['https://far', '.example/x']] },
      'https://localhost/x',
    ],
    [
      'Sub',
      { 'Fn::Sub': 'arn:${AWS::Partition}:${Table}/${Table.Arn}' },
      'arn:aws:table-1/arn:table',
    ],
    [
      'Sub keeps an escaped variable',
      { 'Fn::Sub': 'client/${!iot:ClientId}' },
      'client/${iot:ClientId}',
    ],
    [
      'Sub with variables of its own',
      { 'Fn::Sub': ['${A}-${Table}', { A: { 'Fn::GetAtt': ['Table', 'Arn'] } }] },
      'arn:table-table-1',
    ],
    ['Select', { 'Fn::Select': ['1', ['a', 'b']] }, 'b'],
    ['Select of Split', { 'Fn::Select': [3, { 'Fn::Split': [':', 'arn:aws:sqs:here'] }] }, 'here'],
    ['If, true', { 'Fn::If': ['Big', 'yes', 'no'] }, 'yes'],
    ['If, false, NoValue', { 'Fn::If': ['Small', 'yes', { Ref: 'AWS::NoValue' }] }, undefined],
    ['And', { 'Fn::If': ['Both', 1, 2] }, 2],
    ['Or', { 'Fn::If': ['One', 1, 2] }, 1],
    ['ImportValue', { 'Fn::ImportValue': 'other:Arn' }, 'arn:other'],
    ['FindInMap', { 'Fn::FindInMap': ['Runtimes', { Ref: 'AWS::Region' }, 'node'] }, 'nodejs24.x'],
    [
      'FindInMap with a default',
      { 'Fn::FindInMap': ['Runtimes', 'mars', 'node', { DefaultValue: 'x' }] },
      'x',
    ],
    ['Base64', { 'Fn::Base64': 'hi' }, 'aGk='],
    ['GetAZs', { 'Fn::GetAZs': '' }, ['eu-west-1a', 'eu-west-1b', 'eu-west-1c']],
  ]
  test.each(cases)('%s', (_what, value, expected) => {
    expect(resolve(value, scope())).toEqual(expected)
  })

  const failures: [what: string, value: Json, message: string][] = [
    ['an unknown function', { 'Fn::Cidr': [] }, 'the function Fn::Cidr is not known'],
    ['an unknown name', { Ref: 'Nothing' }, 'there is no Nothing'],
    ['an unknown name in Sub', { 'Fn::Sub': '${Nothing}' }, 'there is no Nothing'],
    ['an unknown attribute', { 'Fn::GetAtt': ['Table', 'Age'] }, 'Table has no attribute Age'],
    ['an unknown export', { 'Fn::ImportValue': 'x' }, 'no stack before this one exports x'],
    ['a resource left out', { Ref: 'Gone' }, 'Gone is left out by its condition'],
    ['a parameter without a value', { Ref: 'Open' }, 'the parameter Open has no default'],
    ['a parameter of SSM', { Ref: 'Secret' }, 'Parameter Store'],
    ['a dynamic reference', '{{resolve:ssm:/x}}', 'is not supported'],
    ['a condition that does not exist', { 'Fn::If': ['No', 1, 2] }, 'there is no condition No'],
    ['a condition in a circle', { 'Fn::If': ['Round', 1, 2] }, 'depends on itself'],
    ['a function beside other keys', { 'Fn::Sub': 'x', Other: 1 }, 'may not be next to'],
  ]
  test.each(failures)('%s is an error', (_what, value, message) => {
    expect(() => resolve(value, scope())).toThrow(message)
  })
})

test('references are found in Ref, GetAtt and Sub, not in escapes or own variables', () => {
  const value = {
    a: { Ref: 'A' },
    b: [{ 'Fn::GetAtt': ['B', 'Arn'] }, { 'Fn::GetAtt': 'C.Arn' }],
    c: { 'Fn::Sub': ['${D.Arn} ${own} ${!E}', { own: { Ref: 'F' } }] },
    d: { 'Fn::If': ['Cond', { Ref: 'G' }, { Ref: 'H' }] },
  }
  expect([...referencesIn(value)].sort()).toEqual(['A', 'B', 'C', 'D', 'F', 'G', 'H'])
})

test('dependencies come first, and a circle is printed', () => {
  const graph: Record<string, string[]> = { a: ['c'], b: [], c: ['b'] }
  expect(inOrder(['a', 'b', 'c'], (name) => graph[name] ?? [], 'things')).toEqual(['b', 'c', 'a'])
  graph.b = ['a']
  expect(() =>
    inOrder(['a', 'b', 'c'], (name) => graph[name] ?? [], 'resources of stack s'),
  ).toThrow('The resources of stack s depend on each other in a circle: a -> c -> b -> a.')
})

describe('reading an assembly', () => {
  /** Writes an assembly of two stacks, the second in the assembly of a stage. */
  function assembly(environment = 'aws://unknown-account/unknown-region'): string {
    const folder = mkdtempSync(join(tmpdir(), 'assembly-'))
    mkdirSync(join(folder, 'stage'))
    const write = (file: string, value: Json) =>
      writeFileSync(join(folder, file), JSON.stringify(value))
    const stack = (templateFile: string, more: Json[], stackName: string) => ({
      type: 'aws:cloudformation:stack',
      environment,
      properties: { templateFile, stackName },
      dependencies: more,
    })
    write('manifest.json', {
      artifacts: {
        Web: stack('web.json', ['Data', 'Web.assets'], 'demo-web'),
        Data: stack('data.json', [], 'demo-data'),
        'Web.assets': { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } },
        Stage: { type: 'cdk:cloud-assembly', properties: { directoryName: 'stage' } },
      },
    })
    write('assets.json', {
      files: {
        abc: { source: { path: 'asset.abc' }, destinations: { d: { objectKey: 'abc.zip' } } },
      },
    })
    write('web.json', { Resources: { Q: { Type: 'AWS::SQS::Queue', DependsOn: 'R' } } })
    write('data.json', { Resources: {} })
    write('stage/manifest.json', { artifacts: { Inner: stack('inner.json', [], 'inner') } })
    write('stage/inner.json', { Resources: {} })
    return folder
  }

  test('finds stacks in order, their names, assets and the default identity', () => {
    const folder = assembly()
    const { stacks, identity } = readAssembly(folder)
    expect(stacks.map(({ name }) => name)).toEqual(['demo-data', 'demo-web', 'inner'])
    expect(stacks[1]?.assets.get('abc.zip')).toBe(join(folder, 'asset.abc'))
    expect(stacks[1]?.template.resources.Q?.dependsOn).toEqual(['R'])
    expect(identity).toEqual({ accountId: '000000000000', region: 'us-east-1' })
  })

  test('takes account and region from the stacks when they name them', () => {
    const { identity } = readAssembly(assembly('aws://123456789012/eu-north-1'))
    expect(identity).toEqual({ accountId: '123456789012', region: 'eu-north-1' })
  })

  test('a folder without an assembly is a clear error', () => {
    expect(() => readAssembly('/nowhere')).toThrow(
      'There is no CDK assembly in /nowhere: run cdk synth first, or name the folder it wrote to.',
    )
  })

  test('a template with a part that nobody reads is an error', () => {
    expect(() => parseTemplate({ Transform: 'x' }, 'web')).toThrow('does not know Transform')
    const resource = { Type: 'AWS::SQS::Queue', CreationPolicy: {} }
    expect(() => parseTemplate({ Resources: { Q: resource } }, 'web')).toThrow(
      'does not know CreationPolicy in Resources.Q of stack web',
    )
  })
})
