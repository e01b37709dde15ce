import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { DetachPolicyCommand, IoTClient, ListCertificatesCommand } from '@aws-sdk/client-iot'
import {
  GetAccountSettingsCommand,
  InvokeCommand,
  LambdaClient,
  paginateListFunctions,
} from '@aws-sdk/client-lambda'
import { ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import {
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Cloud, CloudStartError } from '../src/cloud.ts'
import {
  clientOf,
  connectDevice,
  type EditableTemplate,
  type Fixture,
  item,
  makeFixture,
  output,
  put,
  resources,
} from './cloud-support.ts'
import { issue } from './gateway-support.ts'

let fixture: Fixture

beforeAll(async () => {
  fixture = await makeFixture()
})
afterAll(async () => {
  await fixture.end()
})

const sooner = { timeout: 60_000, interval: 20 }

test('a schedule calls its function, and the address of a domain is where it listens', async () => {
  const value = { 'Fn::Join': ['', ['https://', 'api.fixture.test']] }
  const assembly = fixture.changed((template) => {
    for (const { Properties } of resources(template, 'AWS::Events::Rule')) {
      Properties.ScheduleExpression = 'rate(2 minutes)'
      Object.assign(template, { Outputs: { ...outputsOf(template), GuardedUrl: { Value: value } } })
    }
  })
  const { cloud } = await fixture.start({ assembly, tuning: { scheduleMinuteMs: 20 } })
  const [api] = cloud.mutualTlsApis
  expect(output(cloud, 'GuardedUrl')).toBe(`https://localhost:${api?.port}`)
  await vi.waitFor(
    async () => expect(await item(cloud, 'by Scheduled Event')).toBeDefined(),
    sooner,
  )
  await cloud.close()
})

const outputsOf = (template: object): object =>
  'Outputs' in template ? Object(template.Outputs) : {}

describe('a cloud that runs the fixture', () => {
  let cloud: Cloud
  let lines: string[]

  beforeAll(async () => {
    ;({ cloud, lines } = await fixture.start())
  })

  test('takes a request from the API through table, queue and worker', async () => {
    const { status, body } = await put(cloud, `${output(cloud, 'ApiUrl')}items/a1`)
    expect([status, JSON.parse(body)]).toEqual([200, { id: 'a1' }])
    expect(await item(cloud, 'a1')).toBeDefined()
    await vi.waitFor(async () => expect(await item(cloud, 'worked a1')).toBeDefined(), sooner)
  })

  test('hands what a worker fails on to the dead-letter queue, and no more than that', async () => {
    const sqs = new SQSClient(clientOf(cloud))
    for (const MessageBody of ['poison', 'fine']) {
      await sqs.send(new SendMessageCommand({ QueueUrl: output(cloud, 'QueueUrl'), MessageBody }))
    }
    const receive = new ReceiveMessageCommand({ QueueUrl: output(cloud, 'DeadLetterUrl') })
    await vi.waitFor(async () => {
      const { Messages } = await sqs.send(receive)
      expect(Messages?.map(({ Body }) => Body)).toEqual(['poison'])
    }, sooner)
    expect(await item(cloud, 'worked fine')).toBeDefined()
  })

  test('tells the function behind the stream of an item that expired', async () => {
    await put(cloud, `${output(cloud, 'ApiUrl')}items/brief`, { seconds: -1 })
    await vi.waitFor(
      async () =>
        expect(await item(cloud, 'expired brief')).toMatchObject({
          by: { S: 'dynamodb.amazonaws.com' },
        }),
      sooner,
    )
    expect(await item(cloud, 'brief')).toBeUndefined()
  })

  test('demands a client certificate of the truststore that the custom resource made', async () => {
    const [api] = cloud.mutualTlsApis
    expect(api?.domain).toBe('api.fixture.test')
    const url = `https://localhost:${api?.port}/items/m1`
    const client = await issue({ subject: 'CN=one', issuer: fixture.clientCa })
    const { status, body } = await put(cloud, url, {}, client)
    expect([status, JSON.parse(body).subject]).toEqual([200, 'CN=one'])
    await expect(put(cloud, url)).rejects.toThrow()
    await expect(put(cloud, url, {}, await issue({ subject: 'CN=two' }))).rejects.toThrow()
    // The guarded API's own endpoint is disabled: there is one way in.
    expect(cloud.apis.map(({ name }) => name)).toEqual(['Open'])
  })

  test('takes what a device publishes through the topic rule to its function', async () => {
    const device = await connectDevice(cloud, 'd1')
    await device.publishAsync('$aws/rules/fixture_says/d1', '{"text":"hello"}', { qos: 1 })
    await vi.waitFor(
      async () => expect(await item(cloud, 'said by d1')).toMatchObject({ text: { S: 'hello' } }),
      sooner,
    )
    await device.endAsync()
  })

  test('answers the Lambda API as Lambda does', async () => {
    const lambda = new LambdaClient(clientOf(cloud))
    const invoke = async (name: string, Payload: string) =>
      lambda.send(new InvokeCommand({ FunctionName: await functionNamed(cloud, name), Payload }))
    const failed = await invoke('device', '{"device":"d","fail":true}')
    expect(failed.FunctionError).toBe('Unhandled')
    expect(JSON.parse(Buffer.from(failed.Payload ?? []).toString())).toMatchObject({
      errorType: 'Error',
      errorMessage: 'told to fail',
    })
    await expect(invoke('nobody', '{}')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  test('lists its functions page by page, as the aws command asks', async () => {
    const lambda = new LambdaClient(clientOf(cloud))
    const names: (string | undefined)[] = []
    for await (const { Functions } of paginateListFunctions({ client: lambda, pageSize: 2 }, {}))
      names.push(...(Functions ?? []).map(({ FunctionName }) => FunctionName))
    expect(names.length).toBeGreaterThan(2)
    expect(names).toEqual([...new Set(names)].sort())
    expect(names).toContain(await functionNamed(cloud, 'device'))
    await expect(lambda.send(new GetAccountSettingsCommand({}))).rejects.toMatchObject({
      name: 'NotImplemented',
    })
  })

  test('shows outputs and resources through CloudFormation', async () => {
    const client = new CloudFormationClient(clientOf(cloud))
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: 'fixture-edges' }))
    expect(Stacks?.[0]?.Outputs).toContainEqual({
      OutputKey: 'TableName',
      OutputValue: output(cloud, 'TableName'),
    })
    const types = new Set<string | undefined>()
    for await (const page of paginateListStackResources(
      { client },
      { StackName: 'fixture-stores' },
    )) {
      for (const { ResourceType } of page.StackResourceSummaries ?? []) types.add(ResourceType)
    }
    expect(types).toContain('AWS::DynamoDB::GlobalTable')
    await expect(client.send(new DescribeStacksCommand({ StackName: 'x' }))).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Stack with id x does not exist',
    })
  })

  test('listens on loopback only, and names it in the URL that AWS would call execute-api', () => {
    expect(output(cloud, 'ApiUrl')).toMatch(/^https:\/\/localhost:\d+\/$/)
    expect(cloud.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(lines.filter((line) => /ERROR(?!.*told to fail)/.test(line) && !isOfCdk(line))).toEqual(
      [],
    )
  })
})

/**
 * Node.js 24 and later warn of `url.parse()`, which the CDK's handler for emptying a bucket calls, and
 * print the warning by `console.error`. Lambda logs the same line; it is about that handler alone.
 */
function isOfCdk(line: string): boolean {
  return /^fixture-stores-CustomS3AutoDeleteObjects.*\tERROR\t.*\[DEP0169\] DeprecationWarning/.test(
    line,
  )
}

/** The physical name of one of the fixture's functions, as an operator finds it. */
async function functionNamed(cloud: Cloud, part: string): Promise<string> {
  const client = new CloudFormationClient(clientOf(cloud))
  const list = new ListStackResourcesCommand({ StackName: 'fixture-edges' })
  const { StackResourceSummaries = [] } = await client.send(list)
  const found = StackResourceSummaries.find(
    ({ ResourceType, LogicalResourceId = '' }) =>
      ResourceType === 'AWS::Lambda::Function' && LogicalResourceId.includes(`${part}function`),
  )
  return found?.PhysicalResourceId ?? part
}

test('closing a cloud lets the queue drain first', async () => {
  // on a busy machine the worker's first start alone takes seconds
  const { cloud, state } = await fixture.start({ tuning: { drainMs: 60_000 } })
  const sqs = new SQSClient(clientOf(cloud))
  const QueueUrl = output(cloud, 'QueueUrl')
  await Promise.all(
    ['c1', 'c2', 'c3'].map((MessageBody) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody })),
    ),
  )
  await cloud.close()
  const again = await fixture.start({ state, assembly: fixture.changed(withoutMappings) })
  for (const name of ['c1', 'c2', 'c3']) {
    expect(await item(again.cloud, `worked ${name}`)).toBeDefined()
  }
  await again.cloud.close()
})

function withoutMappings(template: EditableTemplate): void {
  for (const mapping of resources(template, 'AWS::Lambda::EventSourceMapping')) {
    mapping.Properties.Enabled = false
  }
}

describe('a restart', () => {
  test('keeps items, messages and custom resources, and tells a changed one of its update', async () => {
    const state = fixture.stateFolder()
    const idle = fixture.changed(withoutMappings)
    const first = await fixture.start({ state, assembly: idle })
    await put(first.cloud, `${output(first.cloud, 'ApiUrl')}items/kept`)
    await first.cloud.close()
    expect(existsSync(join(state, 'lock'))).toBe(false)

    // at the same address: one that moved tells its custom resources
    const ports = { mqtt: first.cloud.mqtt.port }
    const second = await fixture.start({ state, ports })
    expect(await item(second.cloud, 'kept')).toBeDefined()
    await vi.waitFor(
      async () => expect(await item(second.cloud, 'worked kept')).toBeDefined(),
      sooner,
    )
    await second.cloud.close()
    expect(told(first.lines)).toEqual(['Create "1"'])
    expect(told(second.lines)).toEqual([])

    const changed = fixture.changed((template) => {
      const [custom] = resources(template, 'AWS::CloudFormation::CustomResource')
      if (custom) custom.Properties.Number = 2
    })
    const third = await fixture.start({ state, assembly: changed })
    await third.cloud.close()
    expect(told(third.lines)).toEqual(['Update "2"'])

    const without = fixture.changed((template) => {
      for (const [id, { Type }] of Object.entries(template.Resources)) {
        const gone = /CustomResource$|DomainName$|ApiMapping$/.test(Type)
        if (gone) delete template.Resources[id]
      }
    })
    const fourth = await fixture.start({ state, assembly: without })
    expect(told(fourth.lines)).toEqual(['Delete "2"'])
    await fourth.cloud.close()
  })
})

/** What the custom resource's function was told. */
function told(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /(?:Create|Update|Delete) "\d+"/.exec(line)?.[0] ?? [])
}

describe('a broken template', () => {
  type Break = (template: EditableTemplate) => void

  const started = async (change: Break) =>
    await fixture.start({ assembly: fixture.changed((t) => change(withoutSlow(t))) }).then(
      ({ cloud, lines }) => ({ cloud, lines }),
      (error: unknown) => error as CloudStartError,
    )

  /** Leaves out a custom resource of the CDK that takes time and means nothing to these tests. */
  const withoutSlow = (template: EditableTemplate) => {
    for (const [id, { Type }] of Object.entries(template.Resources)) {
      if (Type === 'Custom::S3AutoDeleteObjects') delete template.Resources[id]
    }
    return template
  }

  test('without a grant: the function fails as in AWS, and the log says what it lacks', async () => {
    const seen = await started((template) => {
      for (const policy of resources(template, 'AWS::IAM::Policy', 'apifunction')) {
        for (const statement of policy.Properties.PolicyDocument.Statement) {
          statement.Action = [statement.Action].flat().filter((a) => a !== 'dynamodb:PutItem')
        }
      }
    })
    if (seen instanceof Error) throw seen
    const url = `${output(seen.cloud, 'ApiUrl')}items/x`
    expect(await put(seen.cloud, url)).toEqual({
      status: 500,
      body: '{"message":"Internal Server Error"}',
    })
    expect(seen.lines.join('\n')).toMatch(
      /AccessDenied.*User: arn:aws:iam::000000000000:role\/\S+ is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table\/\S+ because no identity-based policy allows/,
    )
    await seen.cloud.close()
  })

  test("without a variable: the function's own error is in the log", async () => {
    const seen = await started((template) => {
      for (const { Properties } of resources(template, 'AWS::Lambda::Function', 'apifunction')) {
        Properties.Environment.Variables.TABLE = undefined
      }
    })
    if (seen instanceof Error) throw seen
    expect((await put(seen.cloud, `${output(seen.cloud, 'ApiUrl')}items/x`)).status).toBe(500)
    expect(seen.lines.join('\n')).toContain('the variable TABLE is not set')
    await seen.cloud.close()
  })

  const logGroup = { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: '/own' } }
  const filter = { Type: 'AWS::Logs::MetricFilter', Properties: { LogGroupName: '/own' } }
  const refused: [what: string, change: Break, message: RegExp][] = [
    [
      'a metric filter of a log group that nobody makes',
      ({ Resources }) => void Object.assign(Resources, { Filter: filter }),
      /Filter \(AWS::Logs::MetricFilter\).*LogGroupName names a log group that may not exist yet/,
    ],
    [
      'a metric filter that does not wait for the log group of its own stack',
      ({ Resources }) => void Object.assign(Resources, { Group: logGroup, Filter: filter }),
      /LogGroupName names a log group that may not exist yet; depend on the log group/,
    ],
    [
      'a topic rule with SQL that does not parse',
      (template) => {
        for (const rule of resources(template, 'AWS::IoT::TopicRule')) {
          rule.Properties.TopicRulePayload.Sql = "SELECT nonsense( FROM 'x'"
        }
      },
      /^Resource DevicesRule\w* \(AWS::IoT::TopicRule\) of stack fixture-edges: The topic rule "fixture_says" cannot be run/,
    ],
    [
      'a topic rule whose function does not permit it',
      (template) => {
        for (const permission of resources(template, 'AWS::Lambda::Permission', 'Devices')) {
          permission.Properties.Principal = 'events.amazonaws.com'
        }
      },
      /AWS::IoT::TopicRule\) of stack fixture-edges may not invoke arn:aws:lambda:\S+: add an AWS::Lambda::Permission for iot\.amazonaws\.com\./,
    ],
    [
      'a topic rule whose role may not send to its error queue',
      (template) => {
        for (const policy of resources(template, 'AWS::IAM::Policy', 'DevicesErrors')) {
          policy.Properties.PolicyDocument.Statement = []
        }
      },
      /the role \S+ lacks sqs:SendMessage on arn:aws:sqs:\S+; grant it in the stack\./,
    ],
    [
      'a variable that refers to nothing',
      (template) => {
        for (const { Properties } of resources(template, 'AWS::Lambda::Function', 'apifunction')) {
          Properties.Environment.Variables.TABLE = { 'Fn::ImportValue': 'gone' }
        }
      },
      /^Resource \w+ \(AWS::Lambda::Function\) of stack fixture-edges: no stack before this one exports gone\.$/,
    ],
    [
      'a mapping whose function may not read its queue',
      (template) => {
        for (const policy of resources(template, 'AWS::IAM::Policy', 'workerfunction')) {
          for (const statement of policy.Properties.PolicyDocument.Statement) {
            statement.Action = [statement.Action].flat().filter((a) => a !== 'sqs:DeleteMessage')
          }
        }
      },
      /lacks sqs:DeleteMessage on arn:aws:sqs:us-east-1:000000000000:\S+; grant it in the stack\./,
    ],
    [
      'a mapping whose queue shows messages again too soon',
      (template) => {
        for (const { Properties } of resources(template, 'AWS::Lambda::Function', 'workerf')) {
          Properties.Timeout = 3
        }
      },
      /names a queue with a visibility timeout of 2 s, less than the function's 3 s\.$/,
    ],
    [
      'a role that Lambda may not assume',
      (template) => {
        for (const { Properties } of resources(template, 'AWS::IAM::Role', 'apifunction')) {
          Properties.AssumeRolePolicyDocument.Statement[0].Principal.Service = 'iot.amazonaws.com'
        }
      },
      /the role \S+ cannot be assumed by lambda\.amazonaws\.com\.$/,
    ],
    [
      'an unknown type',
      (template) => {
        template.Resources.Game = { Type: 'AWS::GameLift::Fleet', Properties: {} }
      },
      /^Resource Game \(AWS::GameLift::Fleet\) of stack fixture-\w+: the embedded cloud does not know this type\.$/,
    ],
    [
      'an unknown property',
      (template) => {
        for (const { Properties } of resources(template, 'AWS::Lambda::Function', 'apifunction')) {
          Properties.VpcConfig = { SubnetIds: [] }
        }
      },
      /property VpcConfig is not known to the embedded cloud\.$/,
    ],
    [
      'a custom resource whose function refuses',
      (template) => {
        for (const { Properties } of resources(template, 'AWS::CloudFormation::CustomResource')) {
          Properties.Refuse = true
        }
      },
      /of stack fixture-edges failed: refused on purpose/,
    ],
    [
      'a truststore that is not there',
      (template) => {
        for (const { Properties } of resources(template, 'AWS::ApiGatewayV2::DomainName')) {
          Properties.MutualTlsAuthentication.TruststoreVersion = 'other'
        }
      },
      /The truststore s3:\/\/\S+\/ca\.pem in version other of domain api\.fixture\.test does not exist\.$/,
    ],
    [
      'an alarm whose topic lets nobody publish but the owner of something else',
      (template) => addAlarm(template, { Service: 'events.amazonaws.com' }),
      /^Resource Alarm \(AWS::CloudWatch::Alarm\) of stack fixture-\w+: property AlarmActions names arn:aws:sns:\S+, to which CloudWatch may not publish; allow cloudwatch\.amazonaws\.com/,
    ],
    [
      'an alarm that may publish in the name of another account',
      (template) => addAlarm(template, { Service: 'cloudwatch.amazonaws.com' }, '999999999999'),
      /property AlarmActions names \S+ to which CloudWatch may not publish/,
    ],
    [
      'resources in a circle',
      (template) => {
        const sqs = { Type: 'AWS::SQS::Queue' }
        template.Resources.One = { ...sqs, Properties: { QueueName: { Ref: 'Two' } } }
        template.Resources.Two = { ...sqs, Properties: { QueueName: { Ref: 'One' } } }
      },
      /^The resources of stack fixture-\w+ depend on each other in a circle: One -> Two -> One\.$/,
    ],
  ]
  test.each(refused)('%s: the start is refused with a sentence', async (_what, change, message) => {
    const error = await started(change)
    expect(error).toBeInstanceOf(CloudStartError)
    expect((error as CloudStartError).message).toMatch(message)
  })

  test('without the permission for API Gateway: 500, as in AWS', async () => {
    const seen = await started((template) => {
      for (const permission of resources(template, 'AWS::Lambda::Permission', 'ApiOpen')) {
        permission.Properties.Principal = 'events.amazonaws.com'
      }
    })
    if (seen instanceof Error) throw seen
    expect((await put(seen.cloud, `${output(seen.cloud, 'ApiUrl')}items/x`)).status).toBe(500)
    await seen.cloud.close()
  })
})

/** An alarm that tells a topic, with a policy of its own where somebody is named. */
function addAlarm(template: EditableTemplate, Principal?: unknown, account = '000000000000'): void {
  const topic = { Ref: 'Topic' }
  const statement = { Action: 'sns:Publish', Resource: topic }
  const Condition = { StringEquals: { 'aws:SourceAccount': account } }
  const insecure = { Bool: { 'aws:SecureTransport': 'false' } }
  const Statement = [
    { ...statement, Effect: 'Deny', Principal: '*', Condition: insecure },
    { ...statement, Effect: 'Allow', Principal, Condition },
  ]
  Object.assign(template.Resources, {
    Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: { AlarmActions: [topic] } },
    Topic: { Type: 'AWS::SNS::Topic', Properties: {} },
    ...(Principal !== undefined && {
      Policy: {
        Type: 'AWS::SNS::TopicPolicy',
        Properties: { Topics: [topic], PolicyDocument: { Version: '2012-10-17', Statement } },
      },
    }),
  })
}

test.each([
  ['the default policy of a topic', undefined],
  ['a statement for CloudWatch', { Service: 'cloudwatch.amazonaws.com' }],
  ['a statement for everybody in the account', { AWS: '*' }],
])('an alarm may tell a topic by %s', async (_what, principal) => {
  const assembly = fixture.changed((template) => addAlarm(template, principal))
  const { cloud } = await fixture.start({ assembly })
  await cloud.close()
})

/** A topic that tells a queue, by its policy, of what a filter lets through. */
function addTopic(template: EditableTemplate): void {
  const [topic, queue] = [{ Ref: 'Topic' }, { 'Fn::GetAtt': ['Told', 'Arn'] }]
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queue,
    Condition: { ArnEquals: { 'aws:SourceArn': topic } },
  }
  const PolicyDocument = { Version: '2012-10-17', Statement: [statement] }
  const Properties = {
    TopicArn: topic,
    Protocol: 'sqs',
    Endpoint: queue,
    FilterPolicy: { kind: ['wanted'] },
  }
  Object.assign(template.Resources, {
    Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'told' } },
    Told: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'told' } },
    Policy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [{ Ref: 'Told' }], PolicyDocument },
    },
    Subscription: { Type: 'AWS::SNS::Subscription', Properties },
  })
}

test('a topic of a template tells the queue that is subscribed, also after a restart', async () => {
  const assembly = fixture.changed((template) => {
    if (resources(template, 'AWS::DynamoDB::GlobalTable').length > 0) addTopic(template)
  })
  const first = await fixture.start({ assembly })
  await first.cloud.close()
  const { cloud } = await fixture.start({ assembly, state: first.state })
  const sns = new SNSClient(clientOf(cloud))
  for (const kind of ['wanted', 'other'])
    await sns.send(
      new PublishCommand({
        TopicArn: 'arn:aws:sns:us-east-1:000000000000:told',
        Message: kind,
        MessageAttributes: { kind: { DataType: 'String', StringValue: kind } },
      }),
    )
  const QueueUrl = `${cloud.endpoint}/000000000000/told`
  const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 })
  const { Messages: messages = [] } = await new SQSClient(clientOf(cloud)).send(receive)
  expect(messages.map(({ Body = '' }) => JSON.parse(Body).Message)).toEqual(['wanted'])
  await cloud.close()
})

describe('a start that cannot be', () => {
  const failure = async (start: Promise<unknown>) =>
    await start.then(
      () => 'it started',
      (error: unknown) => {
        expect(error).toBeInstanceOf(CloudStartError)
        return (error as Error).message
      },
    )

  test('without an assembly', async () => {
    expect(await failure(fixture.start({ assembly: '/nowhere' }))).toBe(
      'There is no CDK assembly in /nowhere: run cdk synth first, or name the folder it wrote to.',
    )
  })

  test('on a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((listening) => server.once('listening', listening))
    const { port } = server.address() as { port: number }
    for (const [kind, what] of [
      ['mqtt', 'MQTT'],
      ['mutualTls', 'the API with client certificates'],
    ] as const) {
      expect(await failure(fixture.start({ ports: { [kind]: port } }))).toBe(
        `Port ${port} for ${what} is in use by another program; stop it or choose another port.`,
      )
    }
    server.close()
  })

  test('on a state folder that another cloud works on; the lock of a dead process is taken over', async () => {
    const state = fixture.stateFolder()
    mkdirSync(state)
    writeFileSync(join(state, 'lock'), '{"pid":4194304,"started":"1"}')
    const { cloud } = await fixture.start({ state })
    expect(await failure(fixture.start({ state }))).toBe(
      `The state folder ${state} is in use by the embedded cloud of process ${process.pid}; stop it or use another.`,
    )
    expect(readFileSync(join(state, 'lock'), 'utf8')).toContain(String(process.pid))
    await cloud.close()
  })

  const files = [
    'stacks.json',
    'exports.json',
    'kms.json',
    'iot.jsonl',
    'sqs.jsonl',
    'async-events.jsonl',
  ]
  // Two lines: of a journal, the last line may be torn by a crash and is no damage.
  test.each(files)('on a damaged %s', async (file) => {
    const state = fixture.stateFolder()
    mkdirSync(state)
    writeFileSync(join(state, file), '{"half":\n{"half":\n')
    expect(await failure(fixture.start({ state }))).toContain(join(state, file))
    expect(existsSync(join(state, 'lock'))).toBe(false)
  })
})

describe('an update of the stacks', () => {
  const storesTable = 'AWS::DynamoDB::GlobalTable'
  type Outputs = Record<string, { Value: unknown; Export?: { Name: string } }>
  const outputsOf = (template: object) => (template as { Outputs?: Outputs }).Outputs ?? {}

  /** Begins with the fixture, and starts it again with changed templates on the same state. */
  const updated = async (change: Parameters<typeof fixture.changed>[0]) => {
    const { cloud, state } = await fixture.start()
    await cloud.close()
    return fixture.start({ state, assembly: fixture.changed(change) }).then(
      async (next) => {
        await next.cloud.close()
        return 'it started'
      },
      (error: unknown) => {
        expect(error).toBeInstanceOf(CloudStartError)
        return (error as Error).message
      },
    )
  }

  test('is refused where it changes an export that a deployed stack imports', async () => {
    const refusal = await updated((template) => {
      for (const { Properties } of resources(template, storesTable)) Properties.TableName = 'other'
    })
    expect(refusal).toMatch(
      /^The stack fixture-stores cannot be updated: the export fixture-stores:\S+ would be changed and is in use by fixture-edges; keep it/,
    )
  })

  test('is refused where it removes one, though no new template imports it', async () => {
    const imported = /{"Fn::ImportValue":"fixture-stores:ExportsOutputRefStoresTable\w+"}/g
    const refusal = await updated((template) => {
      const outputs = outputsOf(template)
      for (const name of Object.keys(outputs))
        if (name.startsWith('ExportsOutputRefStoresTable')) delete outputs[name]
      const text = JSON.stringify(template).replaceAll(imported, '"somewhere-else"')
      template.Resources = JSON.parse(text).Resources
    })
    expect(refusal).toMatch(
      /the export fixture-stores:ExportsOutputRefStoresTable\w+ would be removed and is in use by fixture-edges;/,
    )
  })

  test('may move the addresses of the cloud itself, and change what nobody imports', async () => {
    expect(
      await updated((template) => {
        for (const output of Object.values(outputsOf(template)))
          if (!output.Export) output.Value = 'other'
      }),
    ).toBe('it started')
  })
})

describe('destroying', () => {
  /** Leaves out what takes time and means nothing here; the bucket then stays empty. */
  const lean = () =>
    fixture.changed((template) => {
      for (const [id, { Type }] of Object.entries(template.Resources)) {
        if (/CustomResource$|S3AutoDeleteObjects$|DomainName$|ApiMapping$/.test(Type))
          delete template.Resources[id]
      }
    })

  const statuses = async (cloud: Cloud) => {
    const { Stacks = [] } = await new CloudFormationClient(clientOf(cloud)).send(
      new DescribeStacksCommand({}),
    )
    return Object.fromEntries(Stacks.map(({ StackName, StackStatus }) => [StackName, StackStatus]))
  }

  test('takes everything, but what the template retains', async () => {
    const { cloud } = await fixture.start({ assembly: lean() })
    const table = output(cloud, 'TableName')
    await cloud.destroy()
    expect(await statuses(cloud)).toEqual({})
    const { QueueUrls } = await new SQSClient(clientOf(cloud)).send(new ListQueuesCommand({}))
    expect(QueueUrls ?? []).toEqual([])
    const { TableNames } = await new DynamoDBClient(clientOf(cloud)).send(new ListTablesCommand({}))
    // the CDK's own default for tables
    expect(TableNames).toEqual([table])
    await cloud.close()
  })

  test('fails on a policy that a certificate has, and can be repeated', async () => {
    const { cloud } = await fixture.start({ assembly: lean() })
    const device = await connectDevice(cloud, 'holder')
    await device.endAsync()
    await expect(cloud.destroy()).rejects.toThrow(
      /AWS::IoT::Policy\) of stack fixture-edges: The policy cannot be deleted as the policy is attached/,
    )
    expect(await statuses(cloud)).toEqual({
      'fixture-stores': 'UPDATE_COMPLETE',
      'fixture-edges': 'DELETE_FAILED',
    })
    const iot = new IoTClient(clientOf(cloud))
    const { certificates: [held] = [] } = await iot.send(new ListCertificatesCommand({}))
    const target = held?.certificateArn
    await iot.send(new DetachPolicyCommand({ policyName: 'fixture-device', target }))
    await cloud.destroy()
    expect(await statuses(cloud)).toEqual({})
    await cloud.close()
  })

  test('fails on a bucket that holds something', async () => {
    const { cloud } = await fixture.start({ assembly: lean() })
    const s3 = new S3Client({ ...clientOf(cloud), forcePathStyle: true })
    const { Buckets: [bucket] = [] } = await s3.send(new ListBucketsCommand({}))
    await s3.send(new PutObjectCommand({ Bucket: bucket?.Name, Key: 'k', Body: 'x' }))
    await expect(cloud.destroy()).rejects.toThrow(/AWS::S3::Bucket\).* is not empty/)
    await cloud.close()
  })
})
