import { type App, Stack, Validations } from 'aws-cdk-lib'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, test } from 'vitest'
import { stageOf, type Target } from '../../bin/stages.ts'
import { Heliograph } from '../../lib/heliograph.ts'
import { emptyBundle, newApp, prodContext, prodTarget } from './app.ts'

const bundle = emptyBundle()

/** Synthesises with cdk-nag's rules; throws the report of what nobody has acknowledged. */
function inspect(
  context: Readonly<Record<string, string>>,
  target: Target,
  add: (app: App) => unknown = () => undefined,
): void {
  const app = newApp()
  const stage = stageOf((name) => context[name], target)
  new Heliograph(app, 'Default', { ...stage, stageName: stage.name, code: () => bundle })
  add(app)
  Validations.of(app).addPlugins(new AwsSolutionsChecks())
  app.synth()
}

describe("cdk-nag's AwsSolutions rules", () => {
  test.each([
    ['the local stage', {}, {}],
    ['a stage', prodContext, prodTarget],
    ['a stage for any account', prodContext, {}],
    ['a traced stage', { ...prodContext, tracing: 'true' }, prodTarget],
    ['a stage that can be destroyed', { ...prodContext, removal: 'destroy' }, prodTarget],
  ])('find nothing in %s that is not acknowledged with a reason', (_name, context, target) => {
    expect(() => inspect(context, target)).not.toThrow()
  })

  test('find what nobody has acknowledged', () => {
    const unprotected = (app: App) => new Bucket(new Stack(app, 'Other'), 'Unprotected')
    expect(() => inspect({}, {}, unprotected)).toThrow(/AwsSolutions-S1\b/)
  })
})
