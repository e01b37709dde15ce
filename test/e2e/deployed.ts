import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { prepareDemo } from '../../bin/demo.ts'
import type { Cloud } from '../../packages/embedded-cloud/src/cloud.ts'
import type { TargetFile } from '../../tools/emulators/target-file.ts'
import { type FunctionLogsOptions, followLogs } from './function-logs.ts'
import type { Target, TargetOptions } from './target.ts'

/** Opens the deployment that the runner of this target prepared. */
export async function openDeployed(options: TargetOptions): Promise<Target> {
  if (Object.keys(options).length > 0)
    throw new Error('this file needs an embedded cloud of its own: list it in skips.ts')
  const file = readTargetFile()
  const { kind, stage } = file
  const state = mkdtempSync(join(tmpdir(), 'heliograph-e2e-'))
  const cloud = cloudOf(file)
  const logs: string[] = []
  const follower = followLogs(logsOf(file), (group, line) => logs.push(`${group}: ${line}`))
  const local = file.local ?? (await prepareDemo(cloud, state))
  return {
    ...{ kind, stage, state, logs, cloud, local },
    restart: async () => {
      throw new Error('only the embedded cloud can be started again')
    },
    async close() {
      await follower.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
}

function readTargetFile(): TargetFile {
  const { TARGET, HELIOGRAPH_TARGET_FILE: path } = process.env
  if (!path)
    throw new Error(
      `TARGET=${TARGET} needs a runner: npm run test:localstack, or npm run test:aws -- --stage …`,
    )
  return JSON.parse(readFileSync(path, 'utf8')) as TargetFile
}

/** The deployment in the shape of an embedded cloud, as far as it is one. */
function cloudOf({ outputs, ...file }: TargetFile): Cloud {
  return {
    ...file,
    topicsUrl: '',
    stackOutputs: () => structuredClone(outputs),
    invocations: () => ({}),
    killWorkers: async () => {
      throw new Error('only the embedded cloud can kill functions')
    },
    destroy: async () => {
      throw new Error('only the embedded cloud is taken down by a test')
    },
    close: async () => {},
  }
}

function logsOf({
  kind,
  logsEndpoint,
  identity,
  environment,
  outputs,
}: TargetFile): FunctionLogsOptions {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
    environment
  return {
    endpoint: logsEndpoint,
    region: identity.region,
    identity: kind === 'aws' ? ownIdentity() : async () => ({ accessKeyId, secretAccessKey }),
    groups: functionsIn(outputs).map((name) => `/aws/lambda/${name}`),
    // twelve groups at AWS's ten calls a second
    everyMs: kind === 'aws' ? 3_000 : 250,
  }
}

/** The credentials that the SDK finds for whoever runs this. */
function ownIdentity(): FunctionLogsOptions['identity'] {
  const client = new CloudFormationClient()
  return () => client.config.credentials()
}

function functionsIn(outputs: TargetFile['outputs']): string[] {
  const all = Object.values(outputs).flatMap((stack) => Object.entries(stack))
  return all.flatMap(([key, value]) => (/^[A-Z][a-z]+Function$/.test(key) ? [value] : []))
}
