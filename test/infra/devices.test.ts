import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { prodContext, prodTarget, templatesOf } from './app.ts'

const { devices } = templatesOf(prodContext, prodTarget)
const upstreams = ['register', 'connect', 'unregister', 'renew']

function only(type: string, properties: Record<string, unknown> = {}) {
  const [found, ...others] = Object.values(devices.findResources(type, { Properties: properties }))
  if (!found || others.length > 0) throw new Error(`there is not exactly one ${type}`)
  return found.Properties
}

describe('the device policy', () => {
  test('lets a device be itself, hear, speak on its own topics, and join channels by name', () => {
    const iot = 'arn:aws:iot:eu-west-1:111111111111'
    const thing = ['$', '{iot:Connection.Thing.ThingName}'].join('')
    expect(only('AWS::IoT::Policy')).toEqual({
      PolicyName: 'heliograph-prod-device',
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: 'iot:Connect',
            Resource: `${iot}:client/${thing}`,
            Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
          },
          { Effect: 'Allow', Action: 'iot:Receive', Resource: `${iot}:topic/heliograph/*` },
          { Effect: 'Deny', Action: 'iot:Receive', Resource: `${iot}:topic/heliograph/move` },
          {
            Effect: 'Allow',
            Action: 'iot:Publish',
            Resource: upstreams.map(
              (name) => `${iot}:topic/$aws/rules/heliograph_prod_${name}/${thing}`,
            ),
          },
          {
            Effect: 'Allow',
            Action: 'iot:Subscribe',
            Resource: `${iot}:topicfilter/heliograph/channel/*`,
          },
          {
            Effect: 'Deny',
            Action: 'iot:Subscribe',
            Resource: ['*+*', '*#*', '*/*'].map(
              (filter) => `${iot}:topicfilter/heliograph/channel/${filter}`,
            ),
          },
        ],
      },
    })
  })

  test('fits into what IoT Core takes, with the longest stage name', () => {
    const stage = 'a'.repeat(16)
    const longest = templatesOf({ ...prodContext, stage }, prodTarget).devices
    const [policy] = Object.values(longest.findResources('AWS::IoT::Policy'))
    const document = JSON.stringify(policy?.Properties.PolicyDocument)
    expect(document.replaceAll(/\s/g, '').length).toBeLessThan(2048)
  })

  test('is written without Fn::Sub, which would take its variables for its own', () => {
    const unknownRegion = templatesOf(prodContext, {}).devices
    const [policy] = Object.values(unknownRegion.findResources('AWS::IoT::Policy'))
    expect(JSON.stringify(policy)).toContain('Fn::Join')
    expect(JSON.stringify(policy)).not.toContain('Fn::Sub')
  })
})

describe.each(upstreams)('what a device says to %s', (name) => {
  const pascal = name.charAt(0).toUpperCase() + name.slice(1)
  const rule = () => only('AWS::IoT::TopicRule', { RuleName: `heliograph_prod_${name}` })

  test('is handed on with the device id of its topic, in base64', () => {
    expect(rule().TopicRulePayload).toMatchObject({
      AwsIotSqlVersion: '2016-03-23',
      Sql: `SELECT topic(1) AS deviceId, clientid() AS clientId, timestamp() AS receivedAt, principal() AS principal, encode(*, 'base64') AS request FROM 'heliograph/prod/${name}'`,
      Actions: [
        { Lambda: { FunctionArn: { 'Fn::GetAtt': [expect.stringMatching(`^${pascal}`), 'Arn'] } } },
      ],
    })
  })

  test('goes to a queue when it cannot be handed on', () => {
    expect(rule().TopicRulePayload.ErrorAction).toEqual({
      Sqs: {
        QueueUrl: { 'Fn::ImportValue': expect.stringMatching(/RulesQueue/) },
        RoleArn: { 'Fn::GetAtt': [expect.stringMatching(/^RuleErrorsRole/), 'Arn'] },
        UseBase64: false,
      },
    })
  })

  test('reaches the function from this rule only', () => {
    devices.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      FunctionName: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${pascal}Function`), 'Arn'] },
      Principal: 'iot.amazonaws.com',
      SourceAccount: '111111111111',
      SourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${pascal}Upstream`), 'Arn'] },
    })
  })

  test('is kept, with the error, when the function gives up', () => {
    devices.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: Match.stringLikeRegexp(`^${pascal}Function`) },
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::ImportValue': Match.stringLikeRegexp('EventsQueue') } },
      },
    })
  })
})

describe('expire', () => {
  const mapping = () => only('AWS::Lambda::EventSourceMapping')

  test('hears of what DynamoDB deleted, and not of what functions delete', () => {
    const [{ Pattern }] = mapping().FilterCriteria.Filters
    expect(JSON.parse(Pattern)).toEqual({
      eventName: ['REMOVE'],
      userIdentity: { principalId: ['dynamodb.amazonaws.com'] },
    })
  })

  test('is given a broken record ten times, alone, and then it is kept', () => {
    expect(mapping()).toMatchObject({
      EventSourceArn: { 'Fn::ImportValue': expect.stringMatching(/PendingTable.*StreamArn/) },
      StartingPosition: 'TRIM_HORIZON',
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::ImportValue': expect.stringMatching(/EventsQueue/) } },
      },
    })
  })
})

describe('activation', () => {
  test('is open to everybody, throttled, and only for POST', () => {
    expect(only('AWS::ApiGatewayV2::Api').DisableExecuteApiEndpoint).toBe(false)
    expect(only('AWS::ApiGatewayV2::Route').RouteKey).toBe('POST /activate')
    expect(only('AWS::ApiGatewayV2::Stage').DefaultRouteSettings).toEqual({
      ThrottlingRateLimit: 200,
      ThrottlingBurstLimit: 400,
    })
    devices.hasOutput('ActivationUrl', {})
  })
})

describe('a stage that is destroyed whole', () => {
  const { Resources } = templatesOf(
    { ...prodContext, removal: 'destroy' },
    prodTarget,
  ).devices.toJSON()
  const idsOf = (type: string) =>
    Object.keys(Resources).filter((id) => Resources[id].Type === type) as string[]
  const [emptying = ''] = idsOf('Custom::HeliographStageDevices')
  const functionIds = idsOf('AWS::Lambda::Function')
  const dependsOn = (id: string): string[] => [Resources[id]?.DependsOn ?? []].flat()

  test('takes its devices away before the policy that they hold', () => {
    expect(dependsOn(emptying)).toEqual(idsOf('AWS::IoT::Policy'))
  })

  test('has nobody left then who gives a device a certificate', () => {
    const before = functionIds.filter((id) => dependsOn(id).includes(emptying))
    expect(before.map((id) => Resources[id].Properties.FunctionName)).toEqual([
      'heliograph-prod-activate',
      'heliograph-prod-renew',
    ])
  })

  test('may take an hour, which is all that CloudFormation waits', () => {
    expect(Resources[emptying].Properties.ServiceTimeout).toBe('3600')
  })
})
