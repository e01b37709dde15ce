import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { type FunctionName, functionNames } from '../../lib/functions.ts'
import { permissionsOf, templatesWith } from './permissions.ts'

/** What calls are permitted by, where the names differ. */
const permittedBy: Readonly<Record<string, readonly string[]>> = {
  // a message that is to be kept is published with a flag
  'iot:Publish': ['iot:Publish', 'iot:RetainPublish'],
  'lambda:Invoke': ['lambda:InvokeFunction'],
  's3:GetObject': ['s3:GetObject', 's3:GetObjectVersion'],
  's3:HeadObject': ['s3:GetObject', 's3:ListBucket'],
  's3:ListObjectVersions': ['s3:ListBucketVersions'],
  'sns:PublishBatch': ['sns:Publish'],
  's3:DeleteObjects': ['s3:DeleteObject', 's3:DeleteObjectVersion'],
}

/** The table behind each file of `aws/`. */
const tables: Readonly<Record<string, string>> = {
  activations: 'Activations',
  authorities: 'Authorities',
  'canary-identities': 'Canary',
  'channel-count': 'Channels',
  channels: 'Channels',
  claims: 'Claims',
  devices: 'Devices',
  feedback: 'Feedback',
  fleet: 'Devices',
  'latest-broadcasts': 'Channels',
  'pending-notifications': 'Pending',
  'provider-keys': 'ProviderKeys',
  providers: 'Providers',
  receipts: 'Receipts',
  'registration-reads': 'Registrations',
  registrations: 'Registrations',
  'token-keys': 'TokenKeys',
}

/** What Lambda itself does in the function's name. */
const byLambda = [
  /^logs:/,
  / dead letters$/,
  / Pending stream$/,
  /^dynamodb:ListStreams /,
  /^sqs:(ReceiveMessage|DeleteMessage|ChangeMessageVisibility|GetQueueAttributes|GetQueueUrl) /,
]

const { metafile } = await build({
  entryPoints: functionNames.map((name) => ({ in: `lambdas/${name}/index.ts`, out: name })),
  bundle: true,
  // our own packages are read through, everybody else's are left out
  external: ['@aws-sdk/*', '@noble/*', '@peculiar/*', '@scure/*', 'reflect-metadata', 'ulid'],
  conditions: ['heliograph'],
  platform: 'node',
  format: 'esm',
  write: false,
  metafile: true,
  outdir: 'unused',
})

describe.each(functionNames)('%s', (name) => {
  test('is permitted nothing that its code never asks for', () => {
    const asked = new Set(sourcesOf(name, metafile).flatMap(askedIn))
    const permitted = permissionsOf(templatesWith(name), name).filter(
      (permission) => !byLambda.some((pattern) => pattern.test(permission)),
    )
    expect(permitted.filter((permission) => !asked.has(comparable(permission)))).toEqual([])
  })
})

/** Only of tables does a file's name tell the resource. */
function comparable(permission: string): string {
  return permission.startsWith('dynamodb:') ? permission : permission.replace(/ .*/, '')
}

function sourcesOf(name: FunctionName, { outputs }: Metafile): string[] {
  return Object.keys(outputs[`unused/${name}.js`]?.inputs ?? {})
}

/** What the table helper's methods ask of DynamoDB. */
const tableMethods: Readonly<Record<string, string>> = {
  get: 'dynamodb:GetItem',
  getAll: 'dynamodb:BatchGetItem',
  put: 'dynamodb:PutItem',
  putIf: 'dynamodb:PutItem',
  updateIf: 'dynamodb:UpdateItem',
}

/** The IAM actions of the SDK commands in a file, those on tables with the table. */
function askedIn(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  const imports = source.matchAll(/import \{([^}]*)\} from '@aws-sdk\/client-([\w-]+)'/g)
  const methods = /const \{([^}]*)\} = table\(/.exec(source)?.[1] ?? ''
  const actions = [
    ...[...imports].flatMap(([, names = '', client = '']) =>
      commandsIn(names).map((name) => `${prefixOf(client)}:${name}`),
    ),
    ...[...methods.matchAll(/\w+/g)].flatMap(([method]) => tableMethods[method] ?? []),
  ]
  return actions.flatMap((action) =>
    action.startsWith('dynamodb:')
      ? tablesOf(file).map((table) => `${action} ${table}`)
      : (permittedBy[action] ?? [action]),
  )
}

/** Each table has one file under `aws/`; `query.ts` serves three of them. */
function tablesOf(file: string): readonly string[] {
  const part = basename(file, '.ts')
  return part === 'query' ? ['Channels', 'Pending', 'Registrations'] : [tables[part] ?? part]
}

function commandsIn(names: string): string[] {
  return [...names.matchAll(/\b(?:paginate(\w+)|(\w+)Command)\b/g)].map(
    ([, paginated, command]) => paginated ?? command ?? '',
  )
}

function prefixOf(client: string): string {
  return client === 'iot-data-plane' ? 'iot' : client
}
