import { CloudStartError } from '../cloud-start-error.ts'
import type { Domain, Stage } from './gateways.ts'
import type { Properties } from './properties.ts'
import { shortHash } from './resource.ts'
import type { ResourceType } from './resource-type.ts'

const api: ResourceType = {
  type: 'AWS::ApiGatewayV2::Api',
  uses: ['Name', 'ProtocolType', 'DisableExecuteApiEndpoint'],
  ignores: ['Description', 'IpAddressType', 'Tags', 'Version'],
  make: async (resource, cloud) => {
    const { properties } = resource
    if (properties.text('ProtocolType') !== 'HTTP') {
      throw properties.error(
        'ProtocolType',
        'must be HTTP; the embedded cloud has no WebSocket APIs',
      )
    }
    const id = shortHash(resource)
    const name = properties.optionalText('Name') ?? resource.logicalId
    const endpointDisabled = properties.optionalFlag('DisableExecuteApiEndpoint') ?? false
    await cloud.gateways.addApi({ id, name, endpointDisabled })
    return { ref: id, attributes: { ApiId: id, ApiEndpoint: cloud.gateways.endpointOf(id) } }
  },
  remove: (_resource, { ref }, cloud) => cloud.gateways.remove(ref),
}

const integration: ResourceType = {
  type: 'AWS::ApiGatewayV2::Integration',
  uses: [
    'ApiId',
    'IntegrationType',
    'IntegrationUri',
    'IntegrationMethod',
    'PayloadFormatVersion',
    'TimeoutInMillis',
  ],
  ignores: ['ConnectionType', 'Description'],
  make: (resource, cloud) => {
    const { properties } = resource
    if (properties.text('IntegrationType') !== 'AWS_PROXY') {
      throw properties.error('IntegrationType', 'must be AWS_PROXY, a function')
    }
    if (properties.text('PayloadFormatVersion') !== '2.0') {
      throw properties.error('PayloadFormatVersion', 'must be 2.0')
    }
    const id = shortHash(resource)
    const timeoutMs = properties.optionalNumber('TimeoutInMillis')
    const functionArn = integrationFunction(properties)
    if (cloud.functions.find(functionArn) === undefined) {
      throw properties.error('IntegrationUri', `names ${functionArn}, which no stack makes`)
    }
    cloud.gateways.addIntegration(properties.text('ApiId'), {
      id,
      functionArn,
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
    return { ref: id, attributes: { IntegrationId: id } }
  },
}

const route: ResourceType = {
  type: 'AWS::ApiGatewayV2::Route',
  uses: ['ApiId', 'RouteKey', 'Target', 'AuthorizationType', 'ApiKeyRequired'],
  ignores: ['OperationName'],
  make: (resource, cloud) => {
    const { properties } = resource
    if ((properties.optionalText('AuthorizationType') ?? 'NONE') !== 'NONE') {
      throw properties.error('AuthorizationType', 'must be NONE; there are no authorizers here')
    }
    const id = shortHash(resource)
    const target = properties.text('Target')
    cloud.gateways.addRoute(properties.text('ApiId'), {
      key: properties.text('RouteKey'),
      integrationId: target.replace(/^integrations\//, ''),
    })
    return { ref: id, attributes: { RouteId: id } }
  },
}

const stage: ResourceType = {
  type: 'AWS::ApiGatewayV2::Stage',
  uses: ['ApiId', 'StageName', 'AutoDeploy', 'DefaultRouteSettings', 'RouteSettings'],
  ignores: ['AccessLogSettings', 'Description', 'Tags'],
  make: ({ properties }, cloud) => {
    const made = readStage(properties)
    cloud.gateways.addStage(properties.text('ApiId'), made)
    return { ref: made.name }
  },
}

const domainName: ResourceType = {
  type: 'AWS::ApiGatewayV2::DomainName',
  uses: ['DomainName', 'MutualTlsAuthentication'],
  // The certificate of a domain comes from the embedded cloud's own CA.
  ignores: ['DomainNameConfigurations', 'RoutingMode', 'Tags'],
  make: (resource, cloud) => {
    const domain = readDomain(resource.properties)
    cloud.gateways.addDomain(domain)
    const { region } = cloud.identity
    const regional = `d-${shortHash(resource)}.execute-api.${region}.amazonaws.com`
    return {
      ref: domain.name,
      attributes: {
        DomainName: domain.name,
        RegionalDomainName: regional,
        RegionalHostedZoneId: 'ZEMBEDDED',
      },
    }
  },
}

const apiMapping: ResourceType = {
  type: 'AWS::ApiGatewayV2::ApiMapping',
  uses: ['ApiId', 'DomainName', 'Stage', 'ApiMappingKey'],
  make: async (resource, cloud) => {
    const { properties } = resource
    if (properties.optionalText('ApiMappingKey')) {
      throw properties.error('ApiMappingKey', 'is not supported: a domain serves one API')
    }
    const [apiId, domain] = [properties.text('ApiId'), properties.text('DomainName')]
    await cloud.gateways.mapDomain(apiId, domain, properties.text('Stage'))
    const id = shortHash(resource)
    return { ref: id, attributes: { ApiMappingId: id } }
  },
}

export const apiGatewayTypes: readonly ResourceType[] = [
  api,
  integration,
  route,
  stage,
  domainName,
  apiMapping,
]

/** The function of an integration URI: its ARN, or API Gateway's path that holds the ARN. */
function integrationFunction(properties: Properties): string {
  const uri = properties.text('IntegrationUri')
  const found = /arn:aws:lambda:[^/]+/.exec(uri)?.[0]
  if (found) return found
  throw new CloudStartError(properties.error('IntegrationUri', 'must name a function').message)
}

function readStage(properties: Properties): Stage {
  const name = properties.text('StageName')
  const throttle = readThrottle(properties.optionalObject('DefaultRouteSettings'))
  const routes = properties.optionalObject('RouteSettings')
  const ofRoutes = Object.keys(routes?.values ?? {}).flatMap((key) => {
    const settings = readThrottle(routes?.object(key))
    return settings ? [[key, settings] as const] : []
  })
  return {
    name,
    ...(throttle && { throttle }),
    ...(ofRoutes && { routeThrottles: Object.fromEntries(ofRoutes) }),
  }
}

function readThrottle(settings: Properties | undefined): Stage['throttle'] {
  settings?.only(
    ['ThrottlingRateLimit', 'ThrottlingBurstLimit'],
    ['DetailedMetricsEnabled', 'LoggingLevel', 'DataTraceEnabled'],
  )
  const rateLimit = settings?.optionalNumber('ThrottlingRateLimit')
  const burstLimit = settings?.optionalNumber('ThrottlingBurstLimit')
  if (rateLimit === undefined || burstLimit === undefined) return undefined
  return { rateLimit, burstLimit }
}

function readDomain(properties: Properties): Domain {
  const name = properties.text('DomainName')
  const mutualTls = properties.optionalObject('MutualTlsAuthentication')
  if (mutualTls === undefined) return { name }
  const [bucket, key] = readUri(mutualTls)
  const version = mutualTls.optionalText('TruststoreVersion')
  return { name, truststore: { bucket, key, ...(version !== undefined && { version }) } }
}

function readUri(mutualTls: Properties): [bucket: string, key: string] {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(mutualTls.text('TruststoreUri'))
  if (match?.[1] && match[2]) return [match[1], match[2]]
  throw mutualTls.error('TruststoreUri', 'must look like s3://bucket/key')
}
