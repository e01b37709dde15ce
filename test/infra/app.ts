import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { afterAll, onTestFinished } from 'vitest'
import { cdkContext } from '../../bin/context.ts'
import { stageOf, type Target } from '../../bin/stages.ts'
import type { FunctionName } from '../../lib/functions.ts'
import { Heliograph } from '../../lib/heliograph.ts'

/** A resource of a template, as far as the tests look into it. */
export interface Resource {
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: template JSON, whose shape the assertions state
  readonly Properties: Record<string, any>
  readonly DeletionPolicy?: string
  readonly DependsOn?: readonly string[]
  readonly UpdateReplacePolicy?: string
}

export interface StageTemplates {
  readonly state: Template
  readonly providers: Template
  readonly devices: Template
  readonly operations: Template
}

/** Context of a stage as an operator would deploy it. */
export const prodContext = {
  stage: 'prod',
  domain: 'push.example.com',
  certificateArn: 'arn:aws:acm:eu-west-1:111111111111:certificate/4e6a-example',
  tokenDomain: 'api.push.example.com',
  tokenCertificateArn: 'arn:aws:acm:eu-west-1:111111111111:certificate/4e6a-example-tokens',
  hostedZoneId: 'Z0EXAMPLE',
  hostedZoneName: 'example.com',
  alarmEmail: 'oncall@example.com',
} as const

/** The same with all that a stage can have. */
export const wholeContext = { ...prodContext, canary: 'true' } as const

export const prodTarget: Target = { account: '111111111111', region: 'eu-west-1' }

/** Functions that a stage which keeps its data does not have. */
export const onlyWhereDestroyed: readonly FunctionName[] = ['empty']

/** A directory that is removed after the test that asks for it, or else after its file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-infra-'))
  const remove = () => rmSync(directory, { recursive: true })
  try {
    onTestFinished(remove)
  } catch {
    afterAll(remove)
  }
  return directory
}

/** An empty app with the feature flags of `cdk.json`, and without what only a person would read. */
export function newApp(): App {
  return new App({
    analyticsReporting: false,
    treeMetadata: false,
    stackTraces: false,
    context: cdkContext(),
    outdir: temporaryDirectory(),
  })
}

/** Stands for every function's bundle: what is inside does not matter to a template. */
export function emptyBundle(): string {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'index.mjs'), 'export const handler = () => {}\n')
  return directory
}

const synthesized = new Map<string, StageTemplates>()

/** The templates of the stage that a context asks for; synthesized once, for all files of a worker. */
export function templatesOf(
  context: Readonly<Record<string, string>> = {},
  target: Target = {},
): StageTemplates {
  const key = JSON.stringify([Object.entries(context).sort(), target])
  const templates = synthesized.get(key) ?? synthesize(context, target)
  synthesized.set(key, templates)
  return templates
}

function synthesize(context: Readonly<Record<string, string>>, target: Target): StageTemplates {
  const bundle = emptyBundle()
  const stage = stageOf((name) => context[name], target)
  const code = () => bundle
  const { stacks } = new Heliograph(newApp(), 'Default', { ...stage, stageName: stage.name, code })
  return {
    state: Template.fromStack(stacks.state),
    providers: Template.fromStack(stacks.providers),
    devices: Template.fromStack(stacks.devices),
    operations: Template.fromStack(stacks.operations),
  }
}

/** All resources of these templates, or those of one type, by logical id. */
export function resourcesOf(templates: Iterable<Template>, type?: string): [string, Resource][] {
  const all = [...templates].flatMap((template) =>
    Object.entries(template.toJSON().Resources as Record<string, Resource>),
  )
  return all.filter(([, resource]) => type === undefined || resource.Type === type)
}
