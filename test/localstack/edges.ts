import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { isJsonObject, type Json, type JsonObject } from '../../local/assembly/json.ts'
import type { Permissions } from '../../local/functions/permissions.ts'
import { startGateway } from '../../local/gateway/gateway.ts'
import type { Gateway, GatewayOptions, GatewayRoute } from '../../local/gateway/options.ts'
import type { LocalTls } from '../../local/tls.ts'
import type { CloudIdentity, Functions, Log } from '../../local/types.ts'
import type { Deployed, DeployedResource } from './deployed.ts'
import { TargetError } from './emulator.ts'

export interface EdgesOptions {
  readonly identity: CloudIdentity
  readonly deployed: Deployed
  readonly tls: LocalTls
  readonly functions: Functions
  readonly permissions: Permissions
  readonly objects: S3Client
  /** Writes the answers that the gateways themselves make. */
  readonly shapeRefusal: GatewayOptions['shapeRefusal']
  readonly log: Log
}

export interface Edge {
  readonly name: string
  /** Set where client certificates are demanded. */
  readonly domain?: string
  readonly gateway: Gateway
}

/** Opens every API of the stacks: at its domain under mutual TLS, or else at its own endpoint. */
export async function openEdges(options: EdgesOptions): Promise<Edge[]> {
  const apis = options.deployed.resources('AWS::ApiGatewayV2::Api')
  return await Promise.all(apis.map((api) => openEdge(api, options)))
}

async function openEdge(api: DeployedResource, options: EdgesOptions): Promise<Edge> {
  const { identity, tls, functions, permissions, log, shapeRefusal } = options
  const domain = domainOf(api.physicalId, options.deployed)
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    tls,
    ...(domain && {
      domainName: domain.name,
      truststore: await truststoreOf(domain, options.objects),
    }),
    identity,
    apiId: api.physicalId,
    ...stageOf(api.physicalId, options.deployed),
    routes: routesOf(api.physicalId, options.deployed),
    functions,
    permits: (functionArn, source) =>
      permissions.permits(functionArn, 'apigateway.amazonaws.com', source),
    log,
    ...(shapeRefusal && { shapeRefusal }),
  })
  return { name: String(api.properties.Name), ...(domain && { domain: domain.name }), gateway }
}

interface Domain {
  readonly name: string
  readonly mutualTls: JsonObject
}

function domainOf(apiId: string, deployed: Deployed): Domain | undefined {
  const mapping = partsOf(apiId, 'AWS::ApiGatewayV2::ApiMapping', deployed)[0]
  if (mapping === undefined) return undefined
  const domains = deployed.resources('AWS::ApiGatewayV2::DomainName')
  const domain = domains.find(({ logicalId }) => logicalId === mapping.properties.DomainName)
  const { DomainName: name, MutualTlsAuthentication: mutualTls } = domain?.properties ?? {}
  if (typeof name === 'string' && isJsonObject(mutualTls)) return { name, mutualTls }
  throw new TargetError(`the mapping ${mapping.logicalId} names no domain with mutual TLS`)
}

async function truststoreOf({ mutualTls }: Domain, objects: S3Client): Promise<string> {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(String(mutualTls.TruststoreUri)) ?? []
  const VersionId = String(mutualTls.TruststoreVersion)
  const { Body } = await objects.send(new GetObjectCommand({ Bucket, Key, VersionId }))
  return (await Body?.transformToString()) ?? ''
}

function stageOf(apiId: string, deployed: Deployed) {
  const { properties } = partsOf(apiId, 'AWS::ApiGatewayV2::Stage', deployed)[0] ?? {}
  const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = isJsonObject(
    properties?.DefaultRouteSettings,
  )
    ? properties.DefaultRouteSettings
    : {}
  const throttled = typeof rate === 'number' && typeof burst === 'number'
  return {
    stage: String(properties?.StageName ?? '$default'),
    ...(throttled && { throttle: { rateLimit: rate, burstLimit: burst } }),
  }
}

function routesOf(apiId: string, deployed: Deployed): GatewayRoute[] {
  const integrations = new Map(
    partsOf(apiId, 'AWS::ApiGatewayV2::Integration', deployed).map((each) => [
      each.physicalId,
      each.properties,
    ]),
  )
  return partsOf(apiId, 'AWS::ApiGatewayV2::Route', deployed).map(({ logicalId, properties }) => {
    const integration = integrations.get(String(properties.Target).replace(/^integrations\//, ''))
    if (!integration) throw new TargetError(`the route ${logicalId} has no integration`)
    return { ...keyOf(properties.RouteKey), functionArn: functionOf(integration) }
  })
}

function keyOf(routeKey: Json | undefined): Pick<GatewayRoute, 'method' | 'path'> {
  const [method = 'ANY', path] = String(routeKey).split(' ')
  return path === undefined ? { method: 'ANY', path: method } : { method, path }
}

function functionOf({ IntegrationUri: uri }: JsonObject): string {
  const found = /arn:aws:lambda:[^/]+/.exec(String(uri))?.[0]
  if (found) return found
  throw new TargetError(`the integration ${String(uri)} names no function`)
}

function partsOf(apiId: string, type: string, deployed: Deployed): DeployedResource[] {
  return deployed.resources(type).filter(({ properties }) => properties.ApiId === apiId)
}
