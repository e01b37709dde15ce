import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CfnOutput, Stack, Stage, Tags } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'
import { describe, expect, test } from 'vitest'
import { Heliograph, type HeliographProps } from '../../lib/heliograph.ts'
import { stageDefaults } from '../../lib/stage.ts'
import {
  emptyBundle,
  newApp,
  prodContext,
  prodTarget,
  type Resource,
  resourcesOf,
  templatesOf,
} from './app.ts'

const bundle = emptyBundle()
const { domain, certificateArn } = prodContext
const least = { domain, certificateArn, code: () => bundle }

function add(scope: Construct, props: Partial<HeliographProps> = {}, id = 'Push'): Heliograph {
  return new Heliograph(scope, id, { ...least, ...props })
}

const namesOf = ({ stacks }: Heliograph) => Object.values(stacks).map(({ stackName }) => stackName)

/** Another resource under any of these names, and what a deployed stage holds is lost. */
describe("what a deployed stage holds keeps its name: the repository's own app", () => {
  const { state, providers, devices, operations } = templatesOf(prodContext, prodTarget)
  const held = /^AWS::(DynamoDB::Table|KMS::Key|S3::Bucket|SQS::Queue|IoT::Policy)$|^Custom::/
  const edges = /^AWS::ApiGatewayV2::(Api|DomainName)$/
  const ids = (template: Template, types: RegExp) =>
    resourcesOf([template])
      .filter(([, { Type }]) => types.test(Type))
      .map(([id]) => id)
      .sort()

  test('tables, keys, queues and authorities', () => {
    const kept = [
      'AuthoritiesDeviceAuthorityE3B63CC3',
      'AuthoritiesProviderAuthority880EEF58',
      'EventsQueue7396B467',
      'IotIotEndpointB5D6665E',
      'NotificationsDeadLettersQueueD9935971',
      'NotificationsQueue91395D8F',
      'RulesQueueDBA72435',
      'StoresActivationsTableF570227C',
      'StoresAuthoritiesTableB7D738AB',
      'StoresClaimsTable8D03B8FD',
      'StoresDevicesTable29A407A2',
      'StoresFeedbackTable45FC3BF1',
      'StoresPendingTable437EE527',
      'StoresProvidersTable99CB28F2',
      'StoresRegistrationsTableB757A676',
      'StoresTokenKeysTable23DE8F16',
      'TokenKeysTokenKeyRing71953C57',
      'TrustBucket15362AD9',
      'VaultDeviceAuthorityKey3DF5D15A',
      'VaultProviderAuthorityKeyD4FE31EB',
      'VaultTokenWrapKey329F29B6',
    ]
    expect(ids(state, held)).toEqual(expect.arrayContaining(kept))
  })

  test('what providers and devices reach', () => {
    expect(ids(providers, edges)).toEqual([
      'Domain15DC21D9',
      'EdgeApi65822B7B',
      expect.stringMatching(/^TokenDomain/),
    ])
    expect(ids(devices, edges)).toEqual(['EdgeApi65822B7B'])
    expect(ids(devices, held)).toEqual(['DeviceAccessPolicy6F1BD22C'])
    expect(ids(operations, held)).toEqual(['KeysUsesQueueADE8AA64'])
  })

  test('and what the stacks import from each other', () => {
    expect(JSON.stringify(providers.toJSON())).toContain(
      '"Heliograph-prod-State:ExportsOutputRefStoresRegistrationsTableB757A676',
    )
  })
})

describe('the stacks have the names that the command looks for', () => {
  const expected = ['State', 'Providers', 'Devices', 'Operations'].map((part) => `-prod-${part}`)
  const names = expected.map((end) => `Heliograph${end}`)

  test('in an app', () => expect(namesOf(add(newApp()))).toEqual(names))

  test('in a stage', () => {
    const env = prodTarget
    const stage = new Stage(newApp(), 'Production', { env })
    const push = add(stage)
    expect(namesOf(push)).toEqual(names)
    expect(push.stacks.state).toMatchObject(env)
    expect(() => stage.synth()).not.toThrow()
  })

  test('in a stack, whose account and region are theirs', () => {
    const app = newApp()
    const around = new Stack(app, 'Mine', { env: prodTarget })
    const push = add(around)
    expect(namesOf(push)).toEqual(names)
    expect(push.stacks.devices).toMatchObject(prodTarget)
    expect(Template.fromStack(around).toJSON().Resources).toBeUndefined()
    expect(app.synth().stacks).toHaveLength(5)
  })

  test('as often as there are stages', () => {
    const app = newApp()
    add(app)
    add(app, { stageName: 'beta', domain: 'beta.example.com' }, 'Beta')
    expect(app.synth().stacks).toHaveLength(8)
  })
})

test('a stack beside it reads its addresses, and one before it makes its certificate', () => {
  const app = newApp()
  const mine = new Stack(app, 'Mine', { env: prodTarget })
  const made = new Certificate(mine, 'Certificate', { domainName: domain })
  const push = add(app, { env: prodTarget, certificateArn: made.certificateArn })
  const website = new Stack(app, 'Website', { env: prodTarget })
  new CfnOutput(website, 'Activation', { value: push.activationUrl })
  new CfnOutput(website, 'Target', { value: push.providerDomainTarget.domainName })
  const names = app.synth().stacks.map(({ stackName }) => stackName)
  expect(names.indexOf('Mine')).toBeLessThan(names.indexOf('Heliograph-prod-Providers'))
  expect(JSON.stringify(Template.fromStack(website).toJSON().Outputs)).toMatch(
    /Heliograph-prod-Devices:Exports.*Heliograph-prod-Providers:Exports/,
  )
  expect(push.providerUrl).toBe('https://push.example.com')
})

test('a certificate that another stack makes gives the same templates every time', () => {
  const checks = [0, 1].map((more) => {
    const mine = new Stack(newApp(), 'Mine')
    for (let n = 0; n < more; n += 1) new Certificate(mine, `Other${n}`, { domainName: domain })
    const { certificateArn } = new Certificate(mine, 'Certificate', { domainName: domain })
    const { stacks } = add(mine, { certificateArn: `${certificateArn}` })
    return Object.keys(
      Template.fromStack(stacks.providers).findResources('Custom::HeliographDomainCertificate'),
    )
  })
  expect(checks[0]).toEqual(checks[1])
})

test('whoever hears of alarms can be added', () => {
  const push = add(newApp(), { alarmEmail: 'oncall@example.com' })
  expect(push.alarms.length).toBeGreaterThan(10)
  ;(push.alarmTopic as { addSubscription(to: unknown): unknown }).addSubscription(
    new EmailSubscription('second@example.com'),
  )
  Template.fromStack(push.stacks.operations).hasResourceProperties('AWS::SNS::Subscription', {
    Endpoint: 'second@example.com',
  })
  expect(add(newApp()).alarmTopic).toBeUndefined()
})

test('tags of the construct reach its resources', () => {
  const push = add(newApp())
  Tags.of(push).add('team', 'messaging')
  Template.fromStack(push.stacks.state).hasResourceProperties('AWS::DynamoDB::Table', {
    Tags: Match.arrayWith([{ Key: 'team', Value: 'messaging' }]),
  })
})

describe('what is not said', () => {
  const functions = resourcesOf(
    [Template.fromStack(add(newApp(), { alarmEmail: undefined } as object).stacks.providers)],
    'AWS::Lambda::Function',
  ).map(([, { Properties }]) => Properties as Resource['Properties'])

  test('is as in the defaults, also where a property is undefined', () => {
    const accept = functions.find(({ FunctionName }) => FunctionName === 'heliograph-prod-accept')
    expect(accept?.Environment.Variables).toMatchObject({
      DEFAULT_LIFETIME_SECONDS: String(stageDefaults.defaultLifetimeSeconds),
      TRUST_CACHE_SECONDS: String(stageDefaults.trustCacheSeconds),
    })
  })

  test('keeps data, and the stacks that hold it', () => {
    expect(add(newApp()).stacks.state.terminationProtection).toBe(true)
    expect(add(newApp(), { removal: 'destroy' }).stacks.state.terminationProtection).toBe(false)
  })

  test.each(Object.entries(stageDefaults))(
    '%s has its default in the comment that editors show',
    (name, value) => {
      const file = fileURLToPath(new URL('../../lib/stage.ts', import.meta.url))
      const source = readFileSync(file, 'utf8').replace(/\n {3}\*(?!\/)/g, '')
      const comment = source
        .split(new RegExp(`readonly ${name}\\??:`))[0]
        ?.split('/**')
        .at(-1)
      const values = typeof value === 'object' ? Object.values(value) : [value]
      const said = values.filter((each) => typeof each !== 'object').map(inWords)
      expect(comment).toMatch(new RegExp(`Default\\b.*\\b${said.join('\\b.*\\b')}\\b`))
    },
  )
})

describe('synthesis ends with a sentence', () => {
  const env = prodTarget
  test.each<[string, Partial<HeliographProps>, RegExp]>([
    ['for a stage name that AWS would refuse', { stageName: 'My-Stage' }, /is not a stage name/],
    ['for a domain that is not one', { domain: 'localhost' }, /is not a domain that providers can/],
    [
      'for an ARN that is not one',
      { certificateArn: 'arn:aws:iam::1:x' },
      /is not the ARN of an ACM/,
    ],
    ['for another region', { env: { region: 'us-east-1' } }, /is in eu-west-1 but the stacks go/],
    ['for another account', { env: { account: '222222222222' } }, /is in account 111111111111 but/],
    [
      'for the zone of another domain',
      { env, hostedZone: { id: 'Z0', name: 'example.org' } },
      /cannot hold a record for push\.example\.com/,
    ],
    [
      'for belief in a revoked provider',
      { trustCacheSeconds: 31 },
      /trustCacheSeconds 31 is longer/,
    ],
  ])('%s', (_what, props, message) => {
    expect(() => add(newApp(), props)).toThrow(message)
  })

  test('where no bundles are', () => {
    expect(() => new Heliograph(newApp(), 'Push', { domain, certificateArn })).toThrow(
      /functions are not bundled here/,
    )
  })
})

function inWords(value: unknown): string {
  if (typeof value !== 'number') return String(value)
  return value > 86_400 ? `${value / 86_400} days` : String(value)
}
