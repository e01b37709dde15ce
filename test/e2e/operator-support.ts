import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Device } from '@heliograph/device'
import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'
import { inject } from 'vitest'
import { writeLocalFile } from '../../bin/demo.ts'
import { LOCAL_STAGE, writeSecret } from '../../bin/embedded.ts'
import { openDeployment } from '../../packages/operator/src/aws-deployment.ts'
import type { AwsDeployment } from '../../packages/operator/src/aws-stage.ts'
import type { Deployment } from '../../packages/operator/src/deployment.ts'
import { type Ran, run, TestTerminal } from '../../packages/operator/test/support.ts'
import { openOperator } from '../../tools/conformance/open-operator.ts'
import { until } from '../../tools/conformance/plain-device.ts'
import { machineAssembly } from './machine-target.ts'
import type { Target } from './target.ts'

/** Leaves in the state folder what `npm start` leaves there for `heliograph`. */
export function welcomeOperator({ kind, state, cloud, local }: Target): void {
  if (kind === 'machine') return
  writeSecret(join(state, 'operator.json'), { stage: LOCAL_STAGE, environment: cloud.environment })
  writeLocalFile(state, local)
}

/** Runs `heliograph` against the target. */
export function heliograph(
  target: Target,
  argv: readonly string[],
  terminal = new TestTerminal(),
): Promise<Ran> {
  const where = target.kind === 'machine' ? ['--target', 'machine'] : []
  return run([...where, '--state', target.state, ...argv], terminal)
}

/** As `heliograph`, for a command that must end well; returns what `--json` prints. */
export async function heliographJson<T>(target: Target, ...argv: string[]): Promise<T> {
  const { code, out, err } = await heliograph(target, [...argv, '--json'])
  if (code !== 0) throw new Error(`heliograph ${argv.join(' ')} ended with ${code}: ${err}${out}`)
  return JSON.parse(out) as T
}

export function openFor({ stage, cloud }: Target): Promise<Deployment> {
  return openOperator({ stage, environment: cloud.environment })
}

/**
 * The device gives the topic up; resolves once that is on record. Nobody may have sent to its token before: an
 * environment of accept that did believes for some seconds more that it lives.
 */
export async function giveUp(target: Target, device: Device, topic: string): Promise<void> {
  const { ports, close } = await openFor(target)
  try {
    await device.unregister(topic)
    await until(async () => {
      const found = await ports.registrations.find(device.deviceId as DeviceId, topic as Topic)
      return found?.live === false || undefined
    })
  } finally {
    await close()
  }
}

/** For what there is on AWS only. */
export function openStage({ cloud }: Target): Promise<AwsDeployment> {
  return openDeployment({ stage: LOCAL_STAGE, environment: cloud.environment })
}

/** A copy of the assembly in which every function reads other values of some variables. */
export function assemblyWith(variables: Readonly<Record<string, string>>): string {
  if (process.env.TARGET === 'machine') return machineAssembly(variables)
  const copy = mkdtempSync(join(tmpdir(), 'heliograph-assembly-'))
  cpSync(inject('assembly'), copy, { recursive: true })
  for (const name of readdirSync(copy).filter((file) => file.endsWith('.template.json')))
    changeVariables(join(copy, name), variables)
  return copy
}

interface FunctionResource {
  readonly Properties?: { readonly Environment?: { readonly Variables?: Record<string, unknown> } }
}

function changeVariables(path: string, variables: Readonly<Record<string, string>>): void {
  const template = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly Resources: Readonly<Record<string, FunctionResource>>
  }
  for (const { Properties } of Object.values(template.Resources)) {
    const own = Properties?.Environment?.Variables ?? {}
    for (const [name, value] of Object.entries(variables)) if (name in own) own[name] = value
  }
  writeFileSync(path, JSON.stringify(template))
}
