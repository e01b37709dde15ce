import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { edgeAnswer } from '../core/edge-refusal.ts'
import { type Cloud, type CloudOptions, CloudStartError, startCloud } from '../local/cloud.ts'

/** The stage that the embedded and the LocalStack-compatible target run. */
export const LOCAL_STAGE = 'local'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Synthesizes the local stage into `outdir`, as `cdk synth` does; needs no account and no network. */
export function synthesize(outdir: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'bin/app.ts'], {
      cwd: root,
      // the validation takes most of the time and belongs to `cdk synth`; this stage is not deployed
      env: {
        ...process.env,
        CDK_OUTDIR: outdir,
        CDK_CONTEXT_JSON: undefined,
        CDK_VALIDATION: 'false',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString()
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new CloudStartError(`the stacks cannot be synthesized: ${complaint.trim()}`))
    })
  })
}

/** What an operator's command needs to reach an embedded cloud: `<state>/operator.json`. */
export interface OperatorFile {
  readonly stage: string
  readonly environment: Readonly<Record<string, string>>
}

/** Synthesizes and runs the stacks; leaves `operator.json` in the state folder for `heliograph`. */
export async function startEmbedded(options: Omit<CloudOptions, 'assembly'>): Promise<Cloud> {
  const assembly = join(options.state, 'cdk.out')
  mkdirSync(options.state, { recursive: true, mode: 0o700 })
  options.progress?.('synthesizing the stacks')
  await synthesize(assembly)
  const cloud = await startCloud({ shapeRefusal, ...options, assembly })
  const file: OperatorFile = { stage: LOCAL_STAGE, environment: cloud.environment }
  writeSecret(join(options.state, 'operator.json'), file)
  return cloud
}

/** What the edge says itself, in Apple's words: an HTTP API on AWS cannot (docs/provider-api.md). */
export const shapeRefusal: NonNullable<CloudOptions['shapeRefusal']> = (
  { status },
  headers,
  head,
) => {
  const path = head.target.split('?')[0] ?? ''
  const request = { method: head.method, path, headers: Object.fromEntries(headers) }
  const answer = edgeAnswer(status, request, randomUUID)
  return { ...answer, body: Buffer.from(answer.body ?? '') }
}

export function writeSecret(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
}
