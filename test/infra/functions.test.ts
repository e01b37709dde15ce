import { Stack } from 'aws-cdk-lib'
import { describe, expect, test } from 'vitest'
import { stageOf } from '../../bin/stages.ts'
import { variable } from '../../lambdas/settings.ts'
import { HeliographFunction } from '../../lib/constructs/function.ts'
import { type FunctionName, functionNames, functionSettings } from '../../lib/functions.ts'
import {
  emptyBundle,
  newApp,
  prodContext,
  prodTarget,
  type Resource,
  resourcesOf,
  templatesOf,
} from './app.ts'

const templates = Object.values(templatesOf(prodContext, prodTarget))
const functions = new Map(
  resourcesOf(templates, 'AWS::Lambda::Function').map(([, resource]) => [
    resource.Properties.FunctionName.replace('heliograph-prod-', '') as string,
    resource.Properties,
  ]),
)

function propertiesOf(name: FunctionName): Resource['Properties'] {
  const properties = functions.get(name)
  if (!properties) throw new Error(`no function ${name}`)
  return properties
}

test('every folder of lambdas/ is deployed once, and nothing else is', () => {
  expect([...functions.keys()].sort()).toEqual([...functionNames].sort())
})

describe.each(functionNames)('%s', (name) => {
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
      /nothing sets FEEDBACK_TABLE, which lambdas\/expire\/settings.ts asks for/,
    )
  })

  test('is not given a variable that it does not read', () => {
    expect(() => build((built) => built.set(variable.pendingTable, 'x'))).toThrow(
      'Test/Expire does not read PENDING_TABLE: add it to its settings.ts',
    )
  })
})
