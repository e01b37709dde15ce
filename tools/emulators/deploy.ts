import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '../../packages/embedded-cloud/src/assembly/json.ts'
import type { CloudIdentity, Log } from '../../packages/embedded-cloud/src/types.ts'
import { adaptTemplate, type Surroundings } from './adapt.ts'
import { run } from './process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Deploying {
  readonly identity: CloudIdentity
  /** The emulator's address. */
  readonly url: string
  readonly log: Log
  /** Ends what runs. */
  readonly abort: AbortSignal
}

/** The variables with which AWS SDKs and the CDK command reach an emulator. */
export function emulatorEnvironment(url: string, identity: CloudIdentity): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: identity.region,
    AWS_DEFAULT_REGION: identity.region,
    // both emulators take a key of twelve digits for an account id
    AWS_ACCESS_KEY_ID: identity.accountId,
    AWS_SECRET_ACCESS_KEY: 'emulator',
  }
}

/** Changes the assembly's templates to what an emulator can make; see `adaptTemplate`. */
export function adaptAssembly(assembly: string, around: Surroundings): void {
  for (const name of readdirSync(assembly).filter((file) => file.endsWith('.template.json'))) {
    const file = join(assembly, name)
    const template = JSON.parse(readFileSync(file, 'utf8')) as JsonObject
    const adapted = JSON.stringify(adaptTemplate(template, around), null, 1)
    writeFileSync(file, adapted)
    renameAsset(assembly, name, adapted)
  }
}

/**
 * The CDK command uploads a template under the hash that it had, and not again where an object of that
 * name is: a changed one needs a name of its own.
 */
function renameAsset(assembly: string, template: string, content: string): void {
  const assetsFile = join(assembly, template.replace('.template.json', '.assets.json'))
  const { files } = JSON.parse(readFileSync(assetsFile, 'utf8')) as {
    files: Record<string, { source: { path: string } }>
  }
  const [name = ''] = Object.keys(files).filter((id) => files[id]?.source.path === template)
  const changed = createHash('sha256').update(content).digest('hex')
  for (const file of [assetsFile, join(assembly, 'manifest.json')])
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(name.slice(0, 64), changed))
}

/** Makes the CDK's bootstrap stack and then all stacks of the assembly, by the pinned CDK command. */
export async function deployAssembly(assembly: string, options: Deploying): Promise<void> {
  const { accountId, region } = options.identity
  await cdk(
    'bootstrap the emulator',
    ['bootstrap', `aws://${accountId}/${region}`],
    assembly,
    options,
  )
  const direct = ['--method=direct', '--require-approval=never', '--concurrency=4']
  await cdk('deploy the stacks', ['deploy', '--all', ...direct], assembly, options)
}

function cdk(what: string, args: string[], assembly: string, options: Deploying): Promise<void> {
  const { url, identity, log, abort } = options
  const command = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk')
  const common = [
    '--app',
    assembly,
    '--no-notices',
    '--no-version-reporting',
    '--progress=events',
    '--ci',
  ]
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    // the developer's own AWS profile must not get in
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION: 'true',
    ...emulatorEnvironment(url, identity),
  }
  const onLine = (line: string) => log('cdk', line)
  return run(
    what,
    { file: process.execPath, args: [command, ...args, ...common], env, cwd: root, onLine },
    abort,
  )
}
