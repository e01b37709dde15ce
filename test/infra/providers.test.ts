import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { prodContext, prodTarget, resourcesOf, templatesOf } from './app.ts'

const { providers, state } = templatesOf(prodContext, prodTarget)
const withoutZone = templatesOf(
  { ...prodContext, hostedZoneId: '', hostedZoneName: '' },
  prodTarget,
).providers

/** What an `Fn::ImportValue` of the state stack's exports stands for. */
function exported(attribute: RegExp): unknown {
  return { 'Fn::ImportValue': Match.stringLikeRegexp(attribute.source) }
}

describe('the provider edge', () => {
  test('asks for a client certificate of the CA that the deployment made', () => {
    providers.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: 'push.example.com',
      DomainNameConfigurations: [
        {
          CertificateArn: prodContext.certificateArn,
          EndpointType: 'REGIONAL',
          SecurityPolicy: 'TLS_1_2',
        },
      ],
      MutualTlsAuthentication: {
        TruststoreUri: {
          'Fn::Join': [
            '',
            ['s3://', exported(/TrustBucket/), '/', exported(/ProviderAuthority.*TruststoreKey/)],
          ],
        },
        TruststoreVersion: { Ref: Match.stringLikeRegexp('^Truststore') },
      },
    })
  })

  test('reads the truststore in the version that the stage names, by another resource for each', () => {
    const chosen = (change: Readonly<Record<string, string>>) =>
      Object.entries(
        templatesOf({ ...prodContext, ...change }, prodTarget).providers.findResources(
          'Custom::HeliographTruststore',
        ),
      ).map(([id, { Properties }]) => [id, Properties.truststore])
    const [[before, newest] = []] = chosen({})
    expect(newest).toBe('current')
    const [[after, version] = []] = chosen({ truststoreVersion: 'L4kqtJlcpXroDTDmpUMLUo' })
    expect(version).toBe('L4kqtJlcpXroDTDmpUMLUo')
    expect(after).not.toBe(before)
    expect(() => chosen({ truststoreVersion: 'truststore.pem?versionId=a' })).toThrow(
      /is not the version id of an S3 object: use/,
    )
  })

  test('leaves other stages of the account half of its rate', () => {
    providers.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 5000, ThrottlingBurstLimit: 2500 },
    })
  })

  test('takes requests to many devices, and broadcasts, at rates of their own, by either domain', () => {
    const settings = {
      'POST /3/devices': { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 50 },
      'ANY /4/broadcasts/{rest+}': { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
    }
    const routes = Object.keys(settings).flatMap((RouteKey) =>
      Object.keys(
        providers.findResources('AWS::ApiGatewayV2::Route', { Properties: { RouteKey } }),
      ),
    )
    expect(routes).toHaveLength(2)
    const stages = providers.findResources('AWS::ApiGatewayV2::Stage')
    const rates = Object.values(stages).map(({ Properties, DependsOn }) => [
      Properties.StageName,
      Properties.RouteSettings,
      routes.every((route) => [DependsOn].flat().includes(route)),
    ])
    expect(rates.sort()).toEqual([
      ['$default', settings, true],
      ['tokens', settings, true],
    ])
  })

  test('cannot be reached past its domain', () => {
    providers.resourceCountIs('AWS::ApiGatewayV2::Api', 1)
    providers.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true })
  })

  test('maps the domain to its only API at the root', () => {
    providers.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', {
      ApiId: { Ref: Match.stringLikeRegexp('Edge') },
      DomainName: { Ref: Match.stringLikeRegexp('Domain') },
      Stage: Match.anyValue(),
      ApiMappingKey: Match.absent(),
    })
  })

  test.each([
    ['$default', 'Accept'],
    ['GET /3/feedback', 'Feedback'],
    ['GET /3/notification/{id}', 'Receipt'],
    ['POST /3/devices', 'Accept'],
    ['ANY /1/apps/{rest+}', 'Channel'],
    ['ANY /4/broadcasts/{rest+}', 'Channel'],
  ])('sends %s to %s, as payload format 2.0', (RouteKey, handler) => {
    const [route] = Object.values(
      providers.findResources('AWS::ApiGatewayV2::Route', { Properties: { RouteKey } }),
    )
    const integration = route?.Properties.Target['Fn::Join'][1][1].Ref
    expect(
      providers.findResources('AWS::ApiGatewayV2::Integration')[integration]?.Properties,
    ).toMatchObject({
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
      IntegrationUri: { 'Fn::GetAtt': [expect.stringMatching(`^${handler}`), 'Arn'] },
    })
  })

  test('logs who asked and what came of it, but no token', () => {
    const [stage] = Object.values(providers.findResources('AWS::ApiGatewayV2::Stage'))
    const format = JSON.parse(stage?.Properties.AccessLogSettings.Format)
    expect(format).toMatchObject({
      requestId: '$context.requestId',
      status: '$context.status',
      clientCertificate: '$context.identity.clientCert.serialNumber',
    })
    expect(JSON.stringify(format)).not.toMatch(/path|header|authorizer/i)
  })

  test('gets its DNS record where the stage has a hosted zone', () => {
    providers.hasResourceProperties('AWS::Route53::RecordSet', {
      Name: 'push.example.com.',
      Type: 'A',
      HostedZoneId: 'Z0EXAMPLE',
      AliasTarget: Match.anyValue(),
    })
    withoutZone.resourceCountIs('AWS::Route53::RecordSet', 0)
    withoutZone.hasOutput('ProviderDomainTarget', {})
  })
})

describe('the token domain', () => {
  const certificatesOnly = { ...prodContext, tokenDomain: '', tokenCertificateArn: '' }
  const [tokens] = Object.values(
    providers.findResources('AWS::ApiGatewayV2::DomainName', {
      Properties: { DomainName: 'api.push.example.com' },
    }),
  )

  test('asks for no client certificate', () => {
    expect(tokens?.Properties).not.toHaveProperty('MutualTlsAuthentication')
    expect(tokens?.Properties).toMatchObject({
      DomainName: 'api.push.example.com',
      DomainNameConfigurations: [
        {
          CertificateArn: prodContext.tokenCertificateArn,
          EndpointType: 'REGIONAL',
          SecurityPolicy: 'TLS_1_2',
        },
      ],
    })
  })

  test('leads to a stage of its own of the same API, with a rate of its own', () => {
    const stages = providers.findResources('AWS::ApiGatewayV2::Stage', {
      Properties: { StageName: 'tokens' },
    })
    const [stage] = Object.values(stages)
    expect(stage?.Properties).toMatchObject({
      ApiId: { Ref: expect.stringMatching('^EdgeApi') },
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 2500, ThrottlingBurstLimit: 1250 },
      AccessLogSettings: expect.anything(),
    })
    providers.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', {
      ApiId: { Ref: Match.stringLikeRegexp('^EdgeApi') },
      DomainName: { Ref: Match.stringLikeRegexp('^TokenDomain') },
      Stage: 'tokens',
      ApiMappingKey: Match.absent(),
    })
  })

  test('leaves the other domain its stage', () => {
    providers.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', {
      DomainName: { Ref: Match.stringLikeRegexp('^Domain') },
      Stage: '$default',
    })
  })

  test('gets its DNS record', () => {
    providers.hasResourceProperties('AWS::Route53::RecordSet', { Name: 'api.push.example.com.' })
  })

  test('has its certificate looked at too, before it is made', () => {
    const checks = providers.findResources('Custom::HeliographDomainCertificate', {
      Properties: { domain: 'api.push.example.com' },
    })
    const [[id, check] = []] = Object.entries(checks)
    expect(check?.Properties).toMatchObject({
      certificateArn: prodContext.tokenCertificateArn,
      kind: 'tokens',
    })
    expect(tokens?.DependsOn).toContain(id)
  })

  test('is nowhere in a stage that is not asked for one', () => {
    const templates = templatesOf(certificatesOnly, prodTarget)
    templates.providers.resourceCountIs('AWS::ApiGatewayV2::DomainName', 1)
    templates.providers.resourceCountIs('AWS::ApiGatewayV2::Stage', 1)
    templates.providers.resourceCountIs('Custom::HeliographDomainCertificate', 1)
    const operations = JSON.stringify(templates.operations.toJSON())
    expect(operations).not.toContain('provider-tokens-refused')
  })
})

describe("the domain's certificate", () => {
  const checks = (templates: { providers: typeof providers }) =>
    Object.entries(templates.providers.findResources('Custom::HeliographDomainCertificate'))

  test('is looked at before the domain gets it', () => {
    const [[id, check] = []] = checks({ providers }).filter(
      ([, { Properties }]) => Properties.domain === 'push.example.com',
    )
    expect(check?.Properties).toMatchObject({
      domain: 'push.example.com',
      certificateArn: prodContext.certificateArn,
      ServiceToken: { 'Fn::GetAtt': [expect.stringMatching(/^DomainCheckDomainFunction/), 'Arn'] },
    })
    const [domain] = Object.values(
      providers.findResources('AWS::ApiGatewayV2::DomainName', {
        Properties: { DomainName: 'push.example.com' },
      }),
    )
    expect(domain?.DependsOn).toContain(id)
  })

  test('is looked at once, and another one by another resource', () => {
    const idOf = (change: Readonly<Record<string, string>>) =>
      checks(templatesOf({ ...prodContext, ...change }, prodTarget))
        .filter(([, { Properties }]) => Properties.kind === undefined)
        .map(([id]) => id)
    const [before] = idOf({})
    expect(idOf({ alarmEmail: '' })).toEqual([before])
    expect(idOf({ certificateArn: `${prodContext.certificateArn}2` })).not.toEqual([before])
    expect(idOf({ domain: 'b.example.com' })).not.toEqual([before])
  })

  test('is none on the emulators', () => expect(checks(templatesOf())).toEqual([]))
})

test('deliver reports which messages of a batch failed', () => {
  providers.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    EventSourceArn: exported(/NotificationsQueue.*Arn/),
    BatchSize: 10,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 100 },
  })
})

test('the state stack does not know the provider stack', () => {
  expect(JSON.stringify(state.toJSON())).not.toContain('Heliograph-prod-Providers')
})

describe('receipts', () => {
  const stackOf = (context: object) =>
    templatesOf({ ...prodContext, ...context }, prodTarget).providers
  const mappingOf = (context: object) =>
    resourcesOf([stackOf(context)], 'AWS::Lambda::EventSourceMapping')
      .map(([, { Properties }]) => Properties)
      .find(({ FunctionName }) => FunctionName.Ref.startsWith('Record'))

  test('are written in large batches, and a batch that fails in part comes back in part', () => {
    expect(mappingOf({ receipts: 'all' })).toMatchObject({
      ...{ BatchSize: 1_000, MaximumBatchingWindowInSeconds: 5, Enabled: true },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
  })

  test.each([
    [{ receipts: 'exceptions' }, true],
    [{ receiptTopics: 'com.example.app=all' }, true],
    [{ receipts: 'all', receiptTopics: 'com.example.app=off' }, true],
    [{ receiptTopics: 'com.example.app=off' }, false],
    [{}, false],
  ])('of %j are asked for: %s; what is off has no pollers', (context, enabled) => {
    expect(mappingOf(context)?.Enabled).toBe(enabled)
  })

  test('are wanted alike by every function that ends a notification', () => {
    const context = { receipts: 'exceptions', receiptTopics: 'com.example.app=all' }
    const { providers: own, devices } = templatesOf({ ...prodContext, ...context }, prodTarget)
    const wanted = resourcesOf([own, devices], 'AWS::Lambda::Function').flatMap(
      ([, { Properties }]) => Properties.Environment?.Variables.RECEIPTS ?? [],
    )
    expect(wanted.map((each) => JSON.parse(each))).toEqual(
      Array(3).fill({ default: 'exceptions', topics: { 'com.example.app': 'all' } }),
    )
  })

  test.each([
    [{ receipts: 'some' }, /cannot have receipts "some"/],
    [{ receiptTopics: 'com.example.app' }, /cannot have receipts ""/],
    [{ receiptTopics: 'com example=all' }, /is not a bundle id/],
    [{ receipts: 'all', receiptDays: '31' }, /receiptDays 31 is not between 1 and 30/],
    [{ receiptDays: 'week' }, /receiptDays NaN/],
    [
      { receiptTopics: Array.from({ length: 99 }, (_, n) => `com.example.app${n}=all`).join() },
      /99 topics, more than fit into a function's variables/,
    ],
  ])('%j ends synthesis with a sentence', (context, sentence) => {
    expect(() => stackOf(context)).toThrow(sentence)
  })
})

describe('events', () => {
  const stackOf = (context: object) =>
    templatesOf({ ...prodContext, ...context }, prodTarget).providers
  const mappingOf = (context: object) =>
    resourcesOf([stackOf(context)], 'AWS::Lambda::EventSourceMapping')
      .map(([, { Properties }]) => Properties)
      .find(({ FunctionName }) => FunctionName.Ref.startsWith('Announce'))

  test('are published at once, and what SNS does not take comes back', () => {
    const mapping = mappingOf({ events: 'all' })
    expect(mapping).toMatchObject({
      ...{ BatchSize: 10, Enabled: true },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    expect(mapping).not.toHaveProperty('MaximumBatchingWindowInSeconds')
  })

  // a dead token is to be out a second after its cause: what is left are calls that take milliseconds each
  test('wait nowhere on their way: neither in the queue, nor for others, nor at SNS', () => {
    const { state } = templatesOf({ ...prodContext, events: 'tokens' }, prodTarget)
    const [[, queue] = []] = resourcesOf([state], 'AWS::SQS::Queue').filter(([id]) =>
      /^AnnouncementsQueue/.test(id),
    )
    expect(queue?.Properties.VisibilityTimeout).toBeGreaterThan(0)
    expect(queue?.Properties.DelaySeconds ?? 0).toBe(0)
    expect(mappingOf({ events: 'tokens' })?.MaximumBatchingWindowInSeconds ?? 0).toBe(0)
    // throttled deliveries would wait their turn
    const [[, topic] = []] = resourcesOf([state], 'AWS::SNS::Topic')
    expect(topic?.Properties).not.toHaveProperty('DeliveryPolicy')
    expect(topic?.Properties.FifoTopic).toBeUndefined()
  })

  test.each([
    [{ events: 'tokens' }, true],
    [{ eventTopics: 'com.example.app=exceptions' }, true],
    [{ eventTopics: 'com.example.app=off' }, false],
    [{}, false],
  ])('of %j are asked for: %s; what is off has no pollers', (context, enabled) => {
    expect(mappingOf(context)?.Enabled).toBe(enabled)
  })

  test('are wanted alike by every function that has some', () => {
    const context = { events: 'tokens', eventTopics: 'com.example.app=all' }
    const { providers: own, devices } = templatesOf({ ...prodContext, ...context }, prodTarget)
    const wanted = resourcesOf([own, devices], 'AWS::Lambda::Function').flatMap(
      ([, { Properties }]) => Properties.Environment?.Variables.EVENTS ?? [],
    )
    expect(wanted.map((each) => JSON.parse(each))).toEqual(
      Array(3).fill({ default: 'tokens', topics: { 'com.example.app': 'all' } }),
    )
  })

  test.each([
    [{ events: 'some' }, /cannot have events "some": set -c events=off\|tokens\|exceptions\|all/],
    [{ eventTopics: 'com example=all' }, /events names "com example", which is not a bundle id/],
    [
      {
        receiptTopics: Array.from({ length: 30 }, (_, n) => `com.example.app${n}=all`).join(),
        eventTopics: Array.from({ length: 60 }, (_, n) => `com.example.app${n}=all`).join(),
      },
      /90 topics, more than fit into a function's variables/,
    ],
  ])('%j ends synthesis with a sentence', (context, sentence) => {
    expect(() => stackOf(context)).toThrow(sentence)
  })
})
