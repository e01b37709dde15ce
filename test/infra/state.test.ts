import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { prodContext, prodTarget, type Resource, resourcesOf, templatesOf } from './app.ts'

const local = templatesOf()
const prod = templatesOf(prodContext, prodTarget)

/** Partition key, sort key and settings of every table. */
const tables = {
  Pending: { keys: ['deviceId', 'topic'], expires: true, streamed: true },
  Registrations: { keys: ['deviceId', 'topic'] },
  Feedback: { keys: ['topic', 'entry'], expires: true },
  Providers: { keys: ['fingerprint'] },
  ProviderKeys: { keys: ['keyId'] },
  Authorities: { keys: ['name'] },
  TokenKeys: { keys: ['keyId'] },
  Activations: { keys: ['codeHash'], expires: true },
  Devices: { keys: ['deviceId'] },
  Channels: { keys: ['topic', 'channel'] },
  Claims: { keys: ['claim'], expires: true },
  Receipts: { keys: ['bucketId', 'chunk'], expires: true },
} as const satisfies Record<string, { keys: string[]; expires?: boolean; streamed?: boolean }>

function tableOf(name: string): Resource {
  const found = resourcesOf([prod.state], 'AWS::DynamoDB::Table').find(([id]) =>
    id.startsWith(`Stores${name}Table`),
  )
  if (!found) throw new Error(`no table ${name}`)
  return found[1]
}

describe('tables', () => {
  test('are these and no others', () => {
    prod.state.resourceCountIs('AWS::DynamoDB::Table', Object.keys(tables).length)
  })

  test.each(Object.entries(tables))('%s has its keys, expiry and stream', (name, expected) => {
    const { Properties } = tableOf(name)
    const { keys, expires, streamed } = { expires: false, streamed: false, ...expected }
    expect(Properties.KeySchema.map((key: { AttributeName: string }) => key.AttributeName)).toEqual(
      keys,
    )
    expect(Properties.TimeToLiveSpecification).toEqual(
      expires ? { AttributeName: 'expiresAt', Enabled: true } : undefined,
    )
    expect(Properties.StreamSpecification).toEqual(
      streamed ? { StreamViewType: 'NEW_AND_OLD_IMAGES' } : undefined,
    )
  })

  test('can be restored to any moment, and cost nothing at rest', () => {
    for (const { state } of [local, prod])
      state.allResourcesProperties('AWS::DynamoDB::Table', {
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        BillingMode: 'PAY_PER_REQUEST',
      })
  })

  test('of a stage that keeps its data cannot be deleted', () => {
    prod.state.allResourcesProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: true })
    local.state.allResourcesProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false })
  })
})

function mayEmptyBuckets(templates: typeof prod): boolean {
  const policies = resourcesOf(Object.values(templates), 'AWS::IAM::Policy')
  return JSON.stringify(policies).includes('"s3:DeleteObjectVersion"')
}

describe('what is left when the stacks are deleted', () => {
  const stateful = /^AWS::(DynamoDB::Table|S3::Bucket)$/

  test('tables and the truststore, where the stage keeps its data', () => {
    const resources = resourcesOf(Object.values(prod)).map(([, resource]) => resource)
    for (const resource of resources.filter(({ Type }) => stateful.test(Type)))
      expect(resource).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
  })

  test('keys, queues and the topic, which a failed first deployment takes with it', () => {
    const kept = resourcesOf([prod.state]).filter(([, { Type }]) =>
      /^AWS::(KMS::Key|SQS::Queue|SNS::Topic)$/.test(Type),
    )
    expect(kept.map(([, { Type }]) => Type)).toHaveLength(13)
    for (const [, resource] of kept)
      expect(resource).toMatchObject({
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      })
  })

  test('nothing that a roll-back would try to delete and could not', () => {
    const stuck = (templates: typeof prod) =>
      resourcesOf(Object.values(templates)).filter(
        ([, { Type, DeletionPolicy, Properties }]) =>
          DeletionPolicy !== 'Retain' &&
          // a table that protects itself, and a bucket that nobody may empty
          (Properties?.DeletionProtectionEnabled === true ||
            (Type === 'AWS::S3::Bucket' && !mayEmptyBuckets(templates))),
      )
    expect(stuck(prod)).toEqual([])
    expect(stuck(local)).toEqual([])
  })

  test('nothing, where it does not', () => {
    const retained = resourcesOf(Object.values(local)).filter(
      ([, { DeletionPolicy, UpdateReplacePolicy }]) =>
        [DeletionPolicy, UpdateReplacePolicy].some((policy) => policy && policy !== 'Delete'),
    )
    expect(retained).toEqual([])
  })
})

describe('queues', () => {
  test('the notification queue gives up after eight receipts and keeps what it gave up', () => {
    prod.state.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 120,
      RedrivePolicy: {
        deadLetterTargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetters'), 'Arn'] },
        maxReceiveCount: 8,
      },
    })
    const kept = prod.state.findResources('AWS::SQS::Queue', {
      Properties: { MessageRetentionPeriod: 14 * 24 * 60 * 60 },
    })
    expect(Object.keys(kept)).toHaveLength(5)
  })

  test('a message stays hidden for six times the time that deliver may take', () => {
    const [deliver] = Object.values(
      prod.providers.findResources('AWS::Lambda::Function', {
        Properties: { FunctionName: 'heliograph-prod-deliver' },
      }),
    )
    const [queue] = Object.values(
      prod.state.findResources('AWS::SQS::Queue', {
        Properties: { VisibilityTimeout: Match.anyValue() },
      }),
    )
    expect(queue?.Properties.VisibilityTimeout).toBe(6 * deliver?.Properties.Timeout)
  })

  test('are encrypted, and refuse transport in the clear', () => {
    prod.state.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true })
    const queues = Object.keys(prod.state.findResources('AWS::SQS::Queue'))
    const policies = Object.values(prod.state.findResources('AWS::SQS::QueuePolicy'))
    for (const { Properties } of policies)
      expect(Properties.PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({
          Effect: 'Deny',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
      )
    expect(policies).toHaveLength(queues.length)
  })
})

describe('keys', () => {
  test.each([
    ['provider-ca', 'RSA_2048', 'SIGN_VERIFY', false],
    ['device-ca', 'ECC_NIST_P256', 'SIGN_VERIFY', false],
    ['token-wrap', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', true],
  ])('%s is %s for %s', (name, KeySpec, KeyUsage, EnableKeyRotation) => {
    const [alias] = Object.values(
      prod.state.findResources('AWS::KMS::Alias', {
        Properties: { AliasName: `alias/heliograph-prod-${name}` },
      }),
    )
    const [key] = alias?.Properties.TargetKeyId['Fn::GetAtt'] ?? []
    expect(prod.state.findResources('AWS::KMS::Key')[key]?.Properties).toMatchObject({
      KeySpec,
      KeyUsage,
      EnableKeyRotation,
      PendingWindowInDays: 30,
    })
  })

  test('are used by those whom IAM permits, for nothing but their purpose', () => {
    const policies = resourcesOf([prod.state], 'AWS::KMS::Key').map(
      ([, { Properties }]) => Properties.KeyPolicy.Statement,
    )
    for (const [statement, ...others] of policies) {
      expect(others).toEqual([])
      expect(statement.Principal).toEqual({ AWS: 'arn:aws:iam::111111111111:root' })
      expect(statement.Action).not.toContain('kms:CreateGrant')
      expect(
        statement.Action.includes('kms:Sign') && statement.Action.includes('kms:Decrypt'),
      ).toBe(false)
    }
  })
})

test('token keys from elsewhere are wrapped only while a stage takes them', () => {
  const encrypting = (state: ReturnType<typeof templatesOf>['state']) =>
    resourcesOf([state], 'AWS::KMS::Key').filter(([, { Properties }]) =>
      Properties.KeyPolicy.Statement[0].Action.includes('kms:Encrypt'),
    )
  expect(encrypting(prod.state)).toEqual([])
  const taking = templatesOf({ ...prodContext, takesTokenKeys: 'true' }, prodTarget)
  expect(encrypting(taking.state)).toHaveLength(1)
})

describe('the truststore', () => {
  test('lies in a versioned, private, encrypted bucket', () => {
    prod.state.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: Match.objectLike({ ServerSideEncryptionConfiguration: Match.anyValue() }),
    })
    prod.state.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    })
  })

  test.each([
    ['Custom::HeliographProviderAuthority', { authority: 'provider', stage: 'prod' }],
    ['Custom::HeliographDeviceAuthority', { authority: 'device', stage: 'prod' }],
    ['Custom::HeliographTokenKeyRing', { stage: 'prod' }],
    ['Custom::HeliographIotEndpoint', { endpointType: 'iot:Data-ATS' }],
  ])('%s is made at deployment', (type, properties) => {
    prod.state.hasResourceProperties(type, {
      ...properties,
      ServiceToken: { 'Fn::GetAtt': Match.arrayWith(['Arn']) },
      ServiceTimeout: '300',
    })
  })
})

test('a new token key is made every 90 days, and failures are kept', () => {
  prod.state.hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: 'rate(90 days)',
    State: 'ENABLED',
    Targets: [{ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Rotate'), 'Arn'] } }],
  })
  prod.state.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
    FunctionName: { Ref: Match.stringLikeRegexp('Rotate') },
    DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': Match.anyValue() } } },
  })
})

test('other stacks hold on to the state by exports, which every emulator knows', () => {
  // `Fn::GetStackOutput`, CDK's recommended weak reference, is unknown outside AWS, and it would
  // let a table be replaced under the functions that use it.
  expect(JSON.stringify(prod.providers.toJSON())).toContain('Fn::ImportValue')
  expect(JSON.stringify(Object.values(prod))).not.toContain('Fn::GetStackOutput')
})
