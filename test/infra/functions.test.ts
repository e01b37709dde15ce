import { readdirSync } from 'node:fs'
import { Stack } from 'aws-cdk-lib'
import { describe, expect, test } from 'vitest'
import { stageOf } from '../../bin/stages.ts'
import { variable } from '../../lambdas/settings.ts'
import { HeliographFunction } from '../../lib/constructs/function.ts'
import { type FunctionName, functionNames, functionSettings } from '../../lib/functions.ts'
import {
  emptyBundle,
  newApp,
  onlyWhereDestroyed,
  prodTarget,
  type Resource,
  resourcesOf,
  templatesOf,
  wholeContext,
} from './app.ts'

const kept = Object.values(templatesOf(wholeContext, prodTarget))
const templates = Object.values(templatesOf({ ...wholeContext, removal: 'destroy' }, prodTarget))
const functionsIn = (of: typeof templates) =>
  new Map(
    resourcesOf(of, 'AWS::Lambda::Function').map(([, resource]) => [
      resource.Properties.FunctionName.replace('heliograph-prod-', '') as string,
      resource.Properties,
    ]),
  )

const functions = functionsIn(templates)

function propertiesOf(name: FunctionName): Resource['Properties'] {
  const properties = functions.get(name)
  if (!properties) throw new Error(`no function ${name}`)
  return properties
}

test('every folder of lambdas/ is deployed once, and nothing else is', () => {
  expect([...functions.keys()].sort()).toEqual([...functionNames].sort())
})

test('a stage that keeps its data has no function that takes its devices away', () => {
  const rest = functionNames.filter((name) => !onlyWhereDestroyed.includes(name))
  expect([...functionsIn(kept).keys()].sort()).toEqual([...rest].sort())
})

describe.each(functionNames)('%s', (name) => {
  test('has the three files that every function has', () => {
    const folder = new URL(`../../lambdas/${name}`, import.meta.url)
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining(['handler.ts', 'index.ts', 'settings.ts']),
    )
  })

  test('gets exactly the variables that its settings.ts lists', () => {
    expect(Object.keys(propertiesOf(name).Environment.Variables).sort()).toEqual(
      [...functionSettings[name]].sort(),
    )
  })

  test('runs on arm64, on the newest Node that Lambda has', () => {
    expect(propertiesOf(name)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
    })
  })

  test('logs to its own group, which is not kept for ever', () => {
    const group = propertiesOf(name).LoggingConfig.LogGroup.Ref
    const [, log] = resourcesOf(templates, 'AWS::Logs::LogGroup').find(([id]) => id === group) ?? []
    expect(log?.Properties).toMatchObject({
      LogGroupName: `/aws/lambda/heliograph-prod-${name}`,
      RetentionInDays: 30,
    })
  })
})

test('Lambda writes of what failed only, unless the stage wants all', () => {
  const levelsIn = (each: typeof templates) =>
    new Set(
      resourcesOf(each, 'AWS::Lambda::Function')
        .map(([, { Properties }]) => Properties.LoggingConfig)
        .map(({ LogFormat, SystemLogLevel, ApplicationLogLevel }) =>
          [LogFormat, SystemLogLevel, ApplicationLogLevel].join(' '),
        ),
    )
  expect(levelsIn(templates)).toEqual(new Set(['JSON WARN INFO']))
  const all = Object.values(templatesOf({ ...wholeContext, systemLogs: 'all' }, prodTarget))
  expect(levelsIn(all)).toEqual(new Set(['JSON INFO INFO']))
})

describe('a function that is wired wrongly', () => {
  function build(wire: (built: HeliographFunction) => void) {
    const app = newApp()
    const bundle = emptyBundle()
    const deployment = { stage: stageOf(() => undefined, {}), code: () => bundle }
    const props = { description: 'test', timeoutSeconds: 1, memoryMegabytes: 128 }
    wire(new HeliographFunction(new Stack(app, 'Test'), 'expire', deployment, props))
    return () => app.synth()
  }

  test('does not synthesise without a variable that it reads', () => {
    expect(build(() => {})).toThrow(
      /nothing sets FEEDBACK_TABLE, .*UNSEALED_UNTIL, which lambdas\/expire\/settings.ts asks for/,
    )
  })

  test('is not given a variable that it does not read', () => {
    expect(() => build((built) => built.set(variable.pendingTable, 'x'))).toThrow(
      'Test/Expire does not read PENDING_TABLE: add it to its settings.ts',
    )
  })
})
