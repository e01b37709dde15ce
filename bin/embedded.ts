import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { edgeAnswer } from '@heliograph/core/edge/edge-answer'
import {
  type Cloud,
  type CloudOptions,
  CloudStartError,
  startCloud,
} from '@heliograph/embedded-cloud'

/** The stage that the embedded and the LocalStack-compatible target run. */
export const LOCAL_STAGE = 'local'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Synthesizes the local stage into `outdir`, as `cdk synth` does with `-c name=value` for each entry of the
 * context; needs no account and no network.
 */
export function synthesize(
  outdir: string,
  context: Readonly<Record<string, string>> = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'bin/app.ts'], {
      cwd: root,
      // the validation takes most of the time and belongs to `cdk synth`; this stage is not deployed
      env: {
        ...process.env,
        CDK_OUTDIR: outdir,
        CDK_CONTEXT_JSON: JSON.stringify(context),
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

/** Synthesizes the stacks into the state folder and runs them, as `startSynthesized`. */
export async function startEmbedded(options: Omit<CloudOptions, 'assembly'>): Promise<Cloud> {
  const assembly = join(options.state, 'cdk.out')
  mkdirSync(options.state, { recursive: true, mode: 0o700 })
  options.progress?.('synthesizing the stacks')
  await synthesize(assembly)
  return startSynthesized({ ...options, assembly })
}

/**
 * Runs the stacks of an assembly; leaves `operator.json` in the state folder for `heliograph`. It holds
 * the folder's access key, random and the same after every start.
 */
export async function startSynthesized(options: CloudOptions): Promise<Cloud> {
  const path = join(options.state, 'operator.json')
  const operatorKey = keptKey(path)
  const kept = operatorKey && { operatorKey }
  // Apple's clients expect the management of channels at a port of its own
  const ports = { mutualTlsAlso: 0, ...options.ports }
  const cloud = await startCloud({ shapeRefusal, ...kept, ...options, ports })
  const file: OperatorFile = { stage: LOCAL_STAGE, environment: cloud.environment }
  writeSecret(path, file)
  return cloud
}

/** The access key of an earlier start; not one that others could read, or have put there. */
function keptKey(path: string): CloudOptions['operatorKey'] {
  try {
    const { mode, uid } = statSync(path)
    if ((mode & 0o077) !== 0 || uid !== process.getuid?.()) return undefined
    const { environment } = JSON.parse(readFileSync(path, 'utf8')) as Partial<OperatorFile>
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } =
      environment ?? {}
    return typeof secretAccessKey === 'string' && secretAccessKey.length >= 40 && accessKeyId
      ? { accessKeyId, secretAccessKey }
      : undefined
  } catch {
    return undefined
  }
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

/** Whoever waits for the file to be there finds all of it. */
export function writeSecret(path: string, value: object): void {
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  // the mode above counts only for a file that is new
  chmodSync(draft, 0o600)
  renameSync(draft, path)
}
