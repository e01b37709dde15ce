import type { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { prodContext, prodTarget, templatesOf } from './app.ts'
import { faultsOf, type Judged } from './iam-judge.ts'

type Json = Record<string, unknown>

const region = prodTarget.region
const account = prodTarget.account

/** The ARN of a resource in a template, with any name. */
const arns: Readonly<Record<string, string>> = {
  'AWS::DynamoDB::Table': `arn:aws:dynamodb:${region}:${account}:table/x`,
  'AWS::SQS::Queue': `arn:aws:sqs:${region}:${account}:x`,
  'AWS::KMS::Key': `arn:aws:kms:${region}:${account}:key/x`,
  'AWS::S3::Bucket': 'arn:aws:s3:::x',
  'AWS::SNS::Topic': `arn:aws:sns:${region}:${account}:x`,
  'AWS::Lambda::Function': `arn:aws:lambda:${region}:${account}:function:x`,
  'AWS::Logs::LogGroup': `arn:aws:logs:${region}:${account}:log-group:x:log-stream:x`,
  'AWS::IAM::Role': `arn:aws:iam::${account}:role/x`,
}

const attributes: Readonly<Record<string, string>> = {
  StreamArn: `arn:aws:dynamodb:${region}:${account}:table/x/stream/x`,
}

const pseudo: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': String(region),
  'AWS::AccountId': String(account),
}

const stages = {
  retain: { ...prodContext },
  destroy: { ...prodContext, removal: 'destroy' },
  traced: { ...prodContext, tracing: 'true' },
}

/** What the reference leaves out, each with the page that has it. */
const acknowledged: readonly RegExp[] = [
  // a key of IoT Core's own policies (IoT Core developer guide, "Thing policy variables")
  /iot:Connect has no condition key iot:Connection\.Thing\.IsAttached$/,
]

/** Reads the templates of one stage together, as exports lead from one to another. */
class Stack {
  readonly #resources = new Map<string, { Type: string; Properties: Json }>()
  readonly #exports = new Map<string, unknown>()

  constructor(templates: readonly Template[]) {
    for (const template of templates) {
      const { Resources, Outputs = {} } = template.toJSON()
      for (const [id, { Type, Properties = {} }] of Object.entries<{
        Type: string
        Properties?: Json
      }>(Resources))
        this.#resources.set(id, { Type, Properties })
      for (const { Export, Value } of Object.values<{ Export?: { Name: string }; Value: unknown }>(
        Outputs,
      ))
        if (Export) this.#exports.set(Export.Name, Value)
    }
  }

  statements(): Judged[] {
    return [...this.#resources].flatMap(([id, { Type, Properties }]) =>
      this.#policies(id, Type, Properties).flatMap(([where, document, own]) =>
        list(document.Statement).map((statement) => this.#judged(where, statement as Json, own)),
      ),
    )
  }

  /** The policy documents of a resource; `own` is what `*` means in a policy that a resource has itself. */
  #policies(
    id: string,
    type: string,
    properties: Json,
  ): [where: string, document: Json, own: string | undefined][] {
    const document = properties.PolicyDocument as Json
    switch (type) {
      case 'AWS::IAM::Policy':
      case 'AWS::IoT::Policy':
      case 'AWS::SQS::QueuePolicy':
      case 'AWS::SNS::TopicPolicy':
      case 'AWS::S3::BucketPolicy':
        return [[id, document, undefined]]
      case 'AWS::KMS::Key':
        return [[id, properties.KeyPolicy as Json, arns[type]]]
      case 'AWS::IAM::Role': {
        const inline = list(properties.Policies ?? []) as { PolicyDocument: Json }[]
        const documents = [properties.AssumeRolePolicyDocument as Json]
        documents.push(...inline.map(({ PolicyDocument }) => PolicyDocument))
        return documents.map((one) => [id, one, undefined])
      }
      case 'AWS::Lambda::Permission':
        return [
          [
            id,
            { Statement: { Action: properties.Action, Resource: arns['AWS::Lambda::Function'] } },
            undefined,
          ],
        ]
      default:
        return []
    }
  }

  #judged(where: string, statement: Json, own?: string): Judged {
    const resources =
      statement.Resource === undefined
        ? undefined
        : list(statement.Resource).map((one) => this.#text(one))
    const conditions = Object.values((statement.Condition ?? {}) as Record<string, Json>)
    return {
      where,
      actions: list(statement.Action) as string[],
      conditionKeys: conditions.flatMap((keys) => Object.keys(keys)),
      ...(resources && { resources: resources.map((arn) => (arn === '*' && own ? own : arn)) }),
    }
  }

  #text(value: unknown): string {
    if (typeof value === 'string') return value.replaceAll(/\$\{[\w:.]+\}/g, 'x')
    const [name = '', argument] = Object.entries(value as Json)[0] ?? []
    switch (name) {
      case 'Ref':
        return pseudo[String(argument)] ?? this.#arn(String(argument))
      case 'Fn::GetAtt': {
        const [id = '', attribute = ''] = argument as string[]
        return attributes[attribute] ?? this.#arn(id)
      }
      case 'Fn::ImportValue':
        return this.#text(this.#exports.get(String(argument)) ?? 'arn:of:nothing')
      case 'Fn::Join': {
        const [between, parts] = argument as [string, unknown[]]
        return parts.map((part) => this.#text(part)).join(between)
      }
      case 'Fn::Sub':
        return this.#text(Array.isArray(argument) ? argument[0] : argument)
      default:
        throw new Error(`the judge cannot read ${JSON.stringify(value)}`)
    }
  }

  #arn(id: string): string {
    return arns[this.#resources.get(id)?.Type ?? ''] ?? 'x'
  }
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value])

describe.each(Object.entries(stages))('the policies of a stage: %s', (_name, context) => {
  test('speak of actions, resources and condition keys that AWS has', async () => {
    const templates = Object.values(templatesOf(context, prodTarget))
    const statements = new Stack(templates).statements()
    expect(statements.length).toBeGreaterThan(50)
    const faults = (await Promise.all(statements.map(faultsOf))).flat()
    expect(faults.filter((fault) => !acknowledged.some((one) => one.test(fault)))).toEqual([])
  })
})

describe('the judge sees', () => {
  const good: Judged = {
    where: 'Planted',
    actions: ['iot:SendDirectMessage'],
    resources: [`arn:aws:iot:${region}:${account}:client/*`],
    conditionKeys: ['iot:Topic', 'aws:SourceAccount'],
  }

  test.each<[string, Partial<Judged>, string]>([
    ['nothing in a good statement', {}, ''],
    ['an action of nobody', { actions: ['iot:SendDirectMessages'] }, 'is no action'],
    ['a service of nobody', { actions: ['iotx:*'] }, 'is no action'],
    [
      'a resource of another kind',
      { resources: [`arn:aws:iot:${region}:${account}:thing/*`] },
      'does not take arn:aws:iot',
    ],
    ['a * for one resource', { resources: ['*'] }, 'does not take *'],
    ['a condition of another service', { conditionKeys: ['sqs:Topic'] }, 'has no condition key'],
  ])('%s', async (_what, wrong, sentence) => {
    const faults = await faultsOf({ ...good, ...wrong })
    expect(faults.join()).toContain(sentence)
    expect(faults.length).toBe(sentence ? 1 : 0)
  })
})
