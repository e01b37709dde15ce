import { join } from 'node:path'
import { App, Validations } from 'aws-cdk-lib'
import { Heliograph } from '../lib/heliograph.ts'
import { bundleFunctions } from './bundle.ts'
import { cdkContext } from './context.ts'
import { Refusal } from './refusal.ts'
import { stageOf, type Target } from './stages.ts'

function target(): Target {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env
  return { ...(account && { account }), ...(region && { region }) }
}

/** With `-c nag=true` synth fails on what cdk-nag finds and nobody has acknowledged with a reason. */
async function addChecks(app: App): Promise<void> {
  if (app.node.tryGetContext('nag') !== 'true') return
  const { AwsSolutionsChecks } = await import('cdk-nag')
  Validations.of(app).addPlugins(new AwsSolutionsChecks())
}

async function synthesise(): Promise<void> {
  const app = new App({ analyticsReporting: false, autoSynth: false, context: cdkContext() })
  const stage = stageOf((name) => app.node.tryGetContext(name), target())
  const code = bundleFunctions(join(app.outdir, 'bundles'))
  // `Default` is no part of any name
  new Heliograph(app, 'Default', { ...stage, stageName: stage.name, code })
  await addChecks(app)
  app.synth()
}

try {
  await synthesise()
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  console.error(error.message)
  process.exitCode = 1
}
