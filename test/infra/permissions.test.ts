import { describe, expect, test } from 'vitest'
import { type FunctionName, functionNames } from '../../lib/functions.ts'
import { prodContext, prodTarget, resourcesOf, templatesOf } from './app.ts'
import {
  list,
  permissionsOf,
  statementsOf,
  templatesToCheck,
  templatesWith,
} from './permissions.ts'

const prod = templatesToCheck
const traced = Object.values(templatesOf({ ...prodContext, tracing: 'true' }, prodTarget))
const destroyed = Object.values(templatesOf({ ...prodContext, removal: 'destroy' }, prodTarget))

/** Actions that IAM can only allow on every resource, each with the reason. */
const everywhere: Readonly<Record<string, string>> = {
  'dynamodb:ListStreams': 'IAM knows no resource for it; Lambda asks for it to read a stream',
  'iot:ListAttachedPolicies': 'IAM knows no resource for it; it tells names',
  'iot:DescribeEndpoint': 'IAM knows no resource for it; it tells a host name',
  'iot:RegisterCertificateWithoutCA': 'IAM knows no resource for it: there is no certificate yet',
  'xray:PutTelemetryRecords': 'IAM knows no resource for it',
  'xray:PutTraceSegments': 'IAM knows no resource for it',
}

const onlyOwnLog = ['logs:CreateLogStream own log', 'logs:PutLogEvents own log']
const reading = ['dynamodb:Scan TokenKeys', 'kms:Decrypt TokenWrap key']
const sending = ['iot:SendDirectMessage any client']
const failing = ['sqs:SendMessage dead letters']
const telling = ['dynamodb:GetItem Feedback', 'dynamodb:PutItem Feedback']
const issuing = [
  'dynamodb:GetItem Authorities',
  'dynamodb:GetItem Devices',
  'dynamodb:PutItem Devices',
  'dynamodb:UpdateItem Devices',
  'iot:AttachPolicy any cert',
  'iot:AttachThingPrincipal any cert',
  'iot:CreateThing device things',
  'iot:DescribeCertificate any cert',
  'iot:RegisterCertificateWithoutCA *',
  'kms:Sign DeviceAuthority key',
]

/** What could end another service's certificates: not for the function that anybody can call. */
const retiring = [
  'iot:DetachPolicy any cert',
  'iot:DetachThingPrincipal any cert',
  'iot:UpdateCertificate any cert',
]

/** All that each function may do, besides writing its log. */
const permitted: Readonly<Record<FunctionName, readonly string[]>> = {
  accept: [
    'dynamodb:BatchGetItem Registrations',
    'dynamodb:GetItem Authorities',
    'dynamodb:GetItem ProviderKeys',
    'dynamodb:GetItem Providers',
    'dynamodb:GetItem Registrations',
    'sqs:SendMessage notification queue',
    ...reading,
  ],
  activate: ['dynamodb:GetItem Activations', 'dynamodb:UpdateItem Activations', ...issuing],
  authority: [
    'dynamodb:GetItem Authorities',
    'dynamodb:PutItem Authorities',
    'kms:GetPublicKey DeviceAuthority key',
    'kms:GetPublicKey ProviderAuthority key',
    'kms:Sign DeviceAuthority key',
    'kms:Sign ProviderAuthority key',
    's3:GetObject truststore',
    's3:GetObjectVersion truststore',
    's3:ListBucket trust bucket',
    's3:PutObject truststore',
  ],
  connect: [
    'dynamodb:GetItem Devices',
    'dynamodb:Query Pending',
    'dynamodb:Query Registrations',
    'sqs:SendMessage slot queue',
    ...reading,
    ...sending,
    ...failing,
  ],
  deliver: [
    'dynamodb:DeleteItem Pending',
    'dynamodb:GetItem Claims',
    'dynamodb:GetItem Pending',
    'dynamodb:GetItem Registrations',
    'dynamodb:PutItem Claims',
    ...telling,
    'dynamodb:PutItem Pending',
    'dynamodb:Query Pending',
    'sqs:ChangeMessageVisibility notification queue',
    'sqs:DeleteMessage notification queue',
    'sqs:GetQueueAttributes notification queue',
    'sqs:GetQueueUrl notification queue',
    'sqs:ReceiveMessage notification queue',
    'sqs:SendMessage notification dead-letter queue',
    'sqs:SendMessage notification queue',
    'sqs:ChangeMessageVisibility slot queue',
    'sqs:DeleteMessage slot queue',
    'sqs:GetQueueAttributes slot queue',
    'sqs:GetQueueUrl slot queue',
    'sqs:ReceiveMessage slot queue',
    'sqs:SendMessage slot queue',
    'sqs:SendMessage outcome queue',
    'sqs:SendMessage announcement queue',
    ...reading,
    ...sending,
  ],
  announce: [
    'sns:Publish event topic',
    'sqs:ChangeMessageVisibility announcement queue',
    'sqs:DeleteMessage announcement queue',
    'sqs:GetQueueAttributes announcement queue',
    'sqs:GetQueueUrl announcement queue',
    'sqs:ReceiveMessage announcement queue',
  ],
  canary: [
    'dynamodb:GetItem Canary',
    'dynamodb:PutItem Canary',
    'kms:Decrypt Canary key',
    'kms:Encrypt Canary key',
  ],
  domain: [
    'acm:DescribeCertificate domain certificate',
    'acm:DescribeCertificate token domain certificate',
  ],
  empty: [
    'cloudformation:DescribeStacks own stack',
    'dynamodb:Scan Devices',
    'iot:DeleteCertificate any cert',
    'iot:DeletePolicy device policy',
    'iot:DeletePolicyVersion device policy',
    'iot:DeleteThing any thing',
    'iot:DescribeCertificate any cert',
    'iot:DetachPolicy any cert',
    'iot:DetachThingPrincipal any cert',
    'iot:ListAttachedPolicies *',
    'iot:ListPolicyVersions device policy',
    'iot:ListPrincipalThings any cert',
    'iot:ListTargetsForPolicy device policy',
    'iot:ListThingPrincipals any thing',
    'iot:UpdateCertificate any cert',
    'lambda:InvokeFunction itself',
  ],
  endpoint: ['iot:DescribeEndpoint *', 'iot:SendDirectMessage probe client'],
  expire: [
    'dynamodb:DescribeStream Pending stream',
    'dynamodb:GetRecords Pending stream',
    'dynamodb:GetShardIterator Pending stream',
    'dynamodb:ListStreams *',
    ...reading,
    'sqs:SendMessage announcement queue',
    'sqs:SendMessage outcome queue',
    ...telling,
    ...failing,
  ],
  channel: [
    'dynamodb:DeleteItem Channels',
    'dynamodb:GetItem Authorities',
    'dynamodb:GetItem Channels',
    'dynamodb:GetItem ProviderKeys',
    'dynamodb:GetItem Providers',
    'dynamodb:PutItem Channels',
    'dynamodb:Query Channels',
    'dynamodb:UpdateItem Channels',
    'iot:Publish channel topics',
    'iot:RetainPublish channel topics',
  ],
  feedback: [
    'dynamodb:GetItem Authorities',
    'dynamodb:GetItem ProviderKeys',
    'dynamodb:GetItem Providers',
    'dynamodb:Query Feedback',
  ],
  receipt: [
    'dynamodb:GetItem Authorities',
    'dynamodb:GetItem ProviderKeys',
    'dynamodb:GetItem Providers',
    'dynamodb:Query Receipts',
  ],
  record: [
    'dynamodb:PutItem Receipts',
    'sqs:ChangeMessageVisibility outcome queue',
    'sqs:DeleteMessage outcome queue',
    'sqs:GetQueueAttributes outcome queue',
    'sqs:GetQueueUrl outcome queue',
    'sqs:ReceiveMessage outcome queue',
  ],
  register: [
    'dynamodb:GetItem Devices',
    'dynamodb:GetItem ProviderKeys',
    'dynamodb:GetItem Providers',
    'dynamodb:Query Registrations',
    'dynamodb:GetItem Registrations',
    'dynamodb:UpdateItem Registrations',
    ...reading,
    ...sending,
    ...failing,
  ],
  inspect: ['dynamodb:GetItem Authorities', 's3:GetObject trust bucket', ...failing],
  renew: [...issuing, ...retiring, ...sending, ...failing],
  rotate: [
    'dynamodb:PutItem TokenKeys',
    'dynamodb:Scan TokenKeys',
    'dynamodb:UpdateItem TokenKeys',
    'kms:GenerateDataKeyWithoutPlaintext TokenWrap key',
    ...failing,
  ],
  unregister: [
    'dynamodb:DeleteItem Pending',
    'dynamodb:GetItem Devices',
    'dynamodb:Query Pending',
    'dynamodb:GetItem Registrations',
    'sqs:SendMessage announcement queue',
    'sqs:SendMessage outcome queue',
    ...telling,
    'dynamodb:UpdateItem Registrations',
    ...reading,
    ...sending,
    ...failing,
  ],
}

describe.each(functionNames)('%s', (name) => {
  test('may do this and nothing else', () => {
    expect(permissionsOf(templatesWith(name), name)).toEqual(
      [...onlyOwnLog, ...permitted[name]].sort(),
    )
  })
})

test('direct messages go to the downstream topics only', () => {
  const sends = statementsOf(prod).filter(({ Action }) =>
    list(Action).includes('iot:SendDirectMessage'),
  )
  expect(sends.length).toBeGreaterThan(3)
  const conditions = [
    { StringLike: { 'iot:Topic': 'heliograph/*' } },
    // of the function that asks whether the region has the operation
    { StringEquals: { 'iot:Topic': 'heliograph/probe' } },
  ]
  for (const { Condition } of sends) expect(conditions).toContainEqual(Condition)
})

test('certificates are attached to, and detached from, things that are named like devices only', () => {
  const attaching = statementsOf(prod).filter(({ Action }) =>
    list(Action).some((action) => action.endsWith('ThingPrincipal')),
  )
  expect(attaching.length).toBeGreaterThan(0)
  const things = `arn:aws:iot:eu-west-1:111111111111:thing/${'?'.repeat(16)}`
  for (const { Condition } of attaching)
    expect(Condition).toEqual({ ArnLike: { 'iot:thingArn': things } })
})

test('the truststore can only be removed in a stage that is removed whole', () => {
  const removing = (templates: typeof prod) =>
    statementsOf(templates)
      .flatMap(({ Action }) => list(Action))
      .filter((action) => /^s3:.*Delete/.test(action))
  expect(removing(prod)).toEqual([])
  expect(removing(destroyed)).toEqual(['s3:DeleteObject', 's3:DeleteObjectVersion'])
})

describe.each([
  ['a stage', prod],
  ['a traced stage', traced],
  ['a stage that can be destroyed', destroyed],
])('in %s', (_name, templates) => {
  test('no permission is for every action', () => {
    const actions = statementsOf(templates).flatMap(({ Action }) => list(Action))
    expect(actions.filter((action) => action.includes('*'))).toEqual([])
  })

  test('a permission is for every resource only where IAM knows no other', () => {
    const unbounded = statementsOf(templates).filter(({ Resource }) => list(Resource).includes('*'))
    const actions = new Set(unbounded.flatMap(({ Action }) => list(Action)))
    expect([...actions].filter((action) => !everywhere[action])).toEqual([])
  })

  test('no role has a managed policy', () => {
    for (const [, { Properties }] of resourcesOf(templates, 'AWS::IAM::Role')) {
      expect(Properties.ManagedPolicyArns).toBeUndefined()
    }
  })
})

test('every exception from the rule on resources is used', () => {
  const used = new Set(
    statementsOf([...traced, ...destroyed]).flatMap(({ Action }) => list(Action)),
  )
  expect(Object.keys(everywhere).filter((action) => !used.has(action))).toEqual([])
})
