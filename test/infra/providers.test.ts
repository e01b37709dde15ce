import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { prodContext, prodTarget, templatesOf } from './app.ts'

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
        TruststoreVersion: exported(/ProviderAuthority.*TruststoreVersion/),
      },
    })
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

describe("the domain's certificate", () => {
  const checks = (templates: { providers: typeof providers }) =>
    Object.entries(templates.providers.findResources('Custom::HeliographDomainCertificate'))

  test('is looked at before the domain gets it', () => {
    const [[id, check] = []] = checks({ providers })
    expect(check?.Properties).toMatchObject({
      domain: 'push.example.com',
      certificateArn: prodContext.certificateArn,
      ServiceToken: { 'Fn::GetAtt': [expect.stringMatching(/^DomainCheckDomainFunction/), 'Arn'] },
    })
    const [domain] = Object.values(providers.findResources('AWS::ApiGatewayV2::DomainName'))
    expect(domain?.DependsOn).toContain(id)
  })

  test('is looked at once, and another one by another resource', () => {
    const idOf = (change: Readonly<Record<string, string>>) =>
      checks(templatesOf({ ...prodContext, ...change }, prodTarget)).map(([id]) => id)
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
