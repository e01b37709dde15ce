import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import {
  isJsonObject,
  type Json,
  type JsonObject,
} from '../../packages/embedded-cloud/src/assembly/json.ts'
import type { Permissions } from '../../packages/embedded-cloud/src/functions/permissions.ts'
import { startGateway } from '../../packages/embedded-cloud/src/gateway/gateway.ts'
import type {
  Gateway,
  GatewayOptions,
  GatewayRoute,
} from '../../packages/embedded-cloud/src/gateway/options.ts'
import type { LocalTls } from '../../packages/embedded-cloud/src/tls.ts'
import type { CloudIdentity, Functions, Log } from '../../packages/embedded-cloud/src/types.ts'
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
  /** Set where it is that of a domain, and no API's own endpoint. */
  readonly domain?: string
  readonly mutualTls: boolean
  readonly gateway: Gateway
}

/** Opens every API of the stacks: at each of its domains, or at its own endpoint. */
export async function openEdges(options: EdgesOptions): Promise<Edge[]> {
  const apis = options.deployed.resources('AWS::ApiGatewayV2::Api')
  const edges = apis.flatMap((api) => {
    const mappings = partsOf(api.physicalId, 'AWS::ApiGatewayV2::ApiMapping', options.deployed)
    const ways = mappings.length > 0 ? mappings : [undefined]
    return ways.map((mapping) => openEdge(api, mapping, options))
  })
  return await Promise.all(edges)
}

async function openEdge(
  api: DeployedResource,
  mapping: DeployedResource | undefined,
  options: EdgesOptions,
): Promise<Edge> {
  const { identity, tls, functions, permissions, log, shapeRefusal } = options
  const domain = mapping && domainOf(mapping, options.deployed)
  const truststore = domain?.mutualTls && (await truststoreOf(domain.mutualTls, options.objects))
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    tls,
    ...(domain && { domainName: domain.name }),
    ...(truststore !== undefined && { truststore }),
    identity,
    apiId: api.physicalId,
    ...stageOf(api.physicalId, mapping?.properties.Stage, options.deployed),
    routes: routesOf(api.physicalId, options.deployed),
    functions,
    permits: (functionArn, source) =>
      permissions.permits(functionArn, 'apigateway.amazonaws.com', source),
    log,
    ...(shapeRefusal && { shapeRefusal }),
  })
  return {
    name: String(api.properties.Name),
    ...(domain && { domain: domain.name }),
    mutualTls: truststore !== undefined,
    gateway,
  }
}

interface Domain {
  readonly name: string
  /** Absent: the domain asks for no client certificate. */
  readonly mutualTls?: JsonObject
}

function domainOf(mapping: DeployedResource, deployed: Deployed): Domain {
  const domains = deployed.resources('AWS::ApiGatewayV2::DomainName')
  const domain = domains.find(({ logicalId }) => logicalId === mapping.properties.DomainName)
  const { DomainName: name, MutualTlsAuthentication: mutualTls } = domain?.properties ?? {}
  if (typeof name !== 'string')
    throw new TargetError(`the mapping ${mapping.logicalId} names no domain of the stacks`)
  return isJsonObject(mutualTls) ? { name, mutualTls } : { name }
}

async function truststoreOf(mutualTls: JsonObject, objects: S3Client): Promise<string> {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(String(mutualTls.TruststoreUri)) ?? []
  const VersionId = String(mutualTls.TruststoreVersion)
  const { Body } = await objects.send(new GetObjectCommand({ Bucket, Key, VersionId }))
  return (await Body?.transformToString()) ?? ''
}

function stageOf(apiId: string, name: Json | undefined, deployed: Deployed) {
  const stages = partsOf(apiId, 'AWS::ApiGatewayV2::Stage', deployed)
  const { properties } =
    stages.find((one) => name === undefined || one.properties.StageName === name) ?? {}
  const throttle = throttleOf(properties?.DefaultRouteSettings)
  const routes = isJsonObject(properties?.RouteSettings) ? properties.RouteSettings : {}
  const ofRoutes = Object.entries(routes).flatMap(([key, settings]) => {
    const own = throttleOf(settings)
    return own ? [[key, own] as const] : []
  })
  return {
    stage: String(properties?.StageName ?? '$default'),
    ...(throttle && { throttle }),
    routeThrottles: Object.fromEntries(ofRoutes),
  }
}

function throttleOf(settings: Json | undefined) {
  if (!isJsonObject(settings)) return undefined
  const { ThrottlingRateLimit: rateLimit, ThrottlingBurstLimit: burstLimit } = settings
  return typeof rateLimit === 'number' && typeof burstLimit === 'number'
    ? { rateLimit, burstLimit }
    : undefined
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
