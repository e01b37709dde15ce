import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalFile, prepareDemo } from '../../bin/demo.ts'
import { LOCAL_STAGE } from '../../bin/embedded.ts'
import type { Cloud } from '../../local/cloud.ts'
import type { TargetFile } from '../localstack/target-file.ts'
import { followLogs } from './function-logs.ts'
import type { Target, TargetOptions } from './support.ts'

/** Opens the deployment that the runner of this target made; `HELIOGRAPH_TARGET_FILE` tells of it. */
export async function openDeployed(kind: string, options: TargetOptions): Promise<Target> {
  if (kind !== 'localstack')
    throw new Error(`TARGET=${kind} is none of embedded, localstack and aws`)
  if (Object.keys(options).length > 0)
    throw new Error('this file needs an embedded cloud of its own: list it in skips.ts')
  const state = mkdtempSync(join(tmpdir(), 'heliograph-e2e-'))
  const file = targetFile()
  const cloud = cloudOf(file)
  const logs: string[] = []
  const follower = followLogs(logsOf(file), (group, line) => logs.push(`${group}: ${line}`))
  const local: LocalFile = await prepareDemo(cloud, state)
  return {
    ...{ kind, stage: LOCAL_STAGE, state, logs, cloud, local },
    restart: async () => {
      throw new Error('only the embedded cloud can be started again')
    },
    async close() {
      await follower.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
}

function targetFile(): TargetFile {
  const path = process.env.HELIOGRAPH_TARGET_FILE
  if (!path) throw new Error('there is no deployment to test: run npm run test:localstack')
  return JSON.parse(readFileSync(path, 'utf8')) as TargetFile
}

/** The deployment in the shape of an embedded cloud, as far as it is one. */
function cloudOf({ outputs, ...file }: TargetFile): Cloud {
  return {
    ...file,
    stackOutputs: () => structuredClone(outputs),
    killWorkers: async () => {
      throw new Error('only the embedded cloud can kill functions')
    },
    close: async () => {},
  }
}

function logsOf({ endpoint, identity, environment, outputs }: TargetFile) {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
    environment
  const names = Object.values(outputs).flatMap((stack) =>
    Object.entries(stack).flatMap(([key, value]) =>
      /^[A-Z][a-z]+Function$/.test(key) ? [value] : [],
    ),
  )
  return {
    endpoint,
    region: identity.region,
    identity: async () => ({ accessKeyId, secretAccessKey }),
    groups: names.map((name) => `/aws/lambda/${name}`),
    everyMs: 250,
  }
}
