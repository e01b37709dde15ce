import type { ApiKind } from '../cloud-ports.ts'
import { CloudStartError, messageOf } from '../cloud-start-error.ts'
import type { FunctionHost } from '../functions/function-host.ts'
import type { Permissions } from '../functions/permissions.ts'
import { startGateway } from '../gateway/gateway.ts'
import type { Gateway, GatewayOptions, GatewayRoute, ThrottleSettings } from '../gateway/options.ts'
import type { ReservedPort } from '../ports.ts'
import type { S3 } from '../s3/s3.ts'
import type { CloudIdentity, Log, ServerTls } from '../types.ts'

export interface GatewaysOptions {
  readonly identity: CloudIdentity
  readonly functions: FunctionHost
  readonly permissions: Permissions
  readonly s3: S3
  readonly log: Log
  /** Writes the gateway's own answers of the domains. */
  readonly shapeRefusal?: GatewayOptions['shapeRefusal']
  /** A server certificate that also holds these names. */
  certificate(names: readonly string[]): Promise<ServerTls>
  /** The port for the next domain or API of a kind. */
  port(kind: ApiKind): Promise<ReservedPort>
  /** A second port for a domain that requires client certificates, if there is one left. */
  secondPort(): ReservedPort | undefined
}

export interface Api {
  readonly id: string
  readonly name: string
  readonly endpointDisabled: boolean
}

export interface Integration {
  readonly id: string
  readonly functionArn: string
  readonly timeoutMs?: number
}

export interface Route {
  /** `POST /path`, `ANY /path` or `$default`. */
  readonly key: string
  readonly integrationId: string
}

export interface Stage {
  readonly name: string
  readonly throttle?: ThrottleSettings
  /** By the keys of the routes. */
  readonly routeThrottles?: Readonly<Record<string, ThrottleSettings>>
}

/** A custom domain; with a truststore, it requires client certificates. */
export interface Domain {
  readonly name: string
  readonly truststore?: { readonly bucket: string; readonly key: string; readonly version?: string }
}

interface ApiPlan {
  readonly api: Api
  /** Where the API's own endpoint will listen; absent when it is disabled. */
  readonly port: ReservedPort | undefined
  readonly integrations: Map<string, Integration>
  readonly routes: Route[]
  readonly stages: Map<string, Stage>
}

interface DomainMapping {
  readonly apiId: string
  readonly domain: string
  readonly stage: string
  /** Where the domain will listen. */
  readonly port: ReservedPort
}

interface Listener {
  readonly plan: ApiPlan
  readonly stage: Stage
  readonly domain?: Domain
  readonly port: ReservedPort
}

/**
 * The HTTP APIs of all stacks. They are collected while the stacks are made and open together when
 * everything behind them works; an API's address is fixed when it is made, so that others can name it.
 */
export class Gateways {
  readonly #options: GatewaysOptions
  readonly #plans = new Map<string, ApiPlan>()
  readonly #domains = new Map<string, Domain>()
  readonly #mappings: DomainMapping[] = []
  #open: { listener: Listener; gateway: Gateway }[] = []

  constructor(options: GatewaysOptions) {
    this.#options = options
  }

  async addApi(api: Api): Promise<void> {
    const port = api.endpointDisabled ? undefined : await this.#options.port('api')
    this.#plans.set(api.id, { api, port, integrations: new Map(), routes: [], stages: new Map() })
  }

  addIntegration(apiId: string, integration: Integration): void {
    this.#plan(apiId).integrations.set(integration.id, integration)
  }

  addRoute(apiId: string, route: Route): void {
    this.#plan(apiId).routes.push(route)
  }

  addStage(apiId: string, stage: Stage): void {
    this.#plan(apiId).stages.set(stage.name, stage)
  }

  addDomain(domain: Domain): void {
    this.#domains.set(domain.name, domain)
  }

  async mapDomain(apiId: string, domain: string, stage: string): Promise<void> {
    const isMutual = this.#domains.get(domain)?.truststore !== undefined
    const port = await this.#options.port(isMutual ? 'mutualTls' : 'domain')
    this.#mappings.push({ apiId, domain, stage, port })
    const second = isMutual ? this.#options.secondPort() : undefined
    if (second) this.#mappings.push({ apiId, domain, stage, port: second })
  }

  /** The address of an API's own endpoint, as Fn::GetAtt ApiEndpoint gives it. */
  endpointOf(apiId: string): string {
    const { port } = this.#plan(apiId)
    return port ? `https://localhost:${port.port}` : `https://${this.#hostOf(apiId)}`
  }

  /** The text with the addresses of APIs and of their domains replaced by where they are on this machine. */
  rewrite(text: string): string {
    const mapping = this.#mappings.find(({ domain }) => text === `https://${domain}`)
    if (mapping) return `https://localhost:${mapping.port.port}`
    if (!text.includes('.execute-api.')) return text
    let rewritten = text
    for (const [id, { port }] of this.#plans) {
      if (port) rewritten = rewritten.replaceAll(this.#hostOf(id), `localhost:${port.port}`)
    }
    return rewritten
  }

  get mutualTlsApis(): { domain: string; url: string; port: number }[] {
    return this.#open.flatMap(({ listener: { domain }, gateway: { url, port } }) =>
      domain?.truststore ? [{ domain: domain.name, url, port }] : [],
    )
  }

  get apis(): { name: string; url: string; domain?: string }[] {
    return this.#open.flatMap(({ listener: { domain, plan }, gateway: { url } }) =>
      domain?.truststore
        ? []
        : [{ name: plan.api.name, url, ...(domain && { domain: domain.name }) }],
    )
  }

  /** Opens every API's endpoint and domain. */
  async start(): Promise<void> {
    const tls = await this.#options.certificate([...this.#domains.keys()])
    for (const listener of await this.#listeners()) {
      await listener.port.release()
      try {
        const gateway = await startGateway(await this.#gatewayOptions(listener, tls))
        this.#open.push({ listener, gateway })
      } catch (cause) {
        const name = listener.plan.api.name
        throw new CloudStartError(`The API ${name} cannot start: ${messageOf(cause)}`, { cause })
      }
    }
  }

  /** Ends an API, its own endpoint and its domain's. */
  async remove(apiId: string): Promise<void> {
    const all = this.#open
    this.#open = all.filter(({ listener }) => listener.plan.api.id !== apiId)
    const gone = all.filter((one) => !this.#open.includes(one))
    await Promise.all(gone.map(({ gateway }) => gateway.close()))
    await this.#plans.get(apiId)?.port?.release()
    for (const { port } of this.#mappings.filter((one) => one.apiId === apiId)) await port.release()
    this.#plans.delete(apiId)
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map(({ gateway }) => gateway.close()))
    const reserved = [...this.#plans.values(), ...this.#mappings]
    await Promise.all(reserved.map(({ port }) => port?.release()))
  }

  async #listeners(): Promise<Listener[]> {
    const listeners: Listener[] = []
    for (const plan of this.#plans.values()) {
      const stage = [...plan.stages.values()][0]
      if (plan.port && stage) listeners.push({ plan, stage, port: plan.port })
    }
    for (const mapping of this.#mappings) listeners.push(this.#domainListener(mapping))
    return listeners
  }

  #domainListener(mapping: DomainMapping): Listener {
    const plan = this.#plan(mapping.apiId)
    const domain = this.#domains.get(mapping.domain)
    const stage = plan.stages.get(mapping.stage)
    if (domain === undefined || stage === undefined) {
      const missing = domain ? `stage ${mapping.stage}` : `domain ${mapping.domain}`
      throw new CloudStartError(
        `The API ${plan.api.name} is mapped to a ${missing} that no stack makes.`,
      )
    }
    return { plan, stage, domain, port: mapping.port }
  }

  async #gatewayOptions(listener: Listener, tls: ServerTls): Promise<GatewayOptions> {
    const { identity, functions, permissions, log, shapeRefusal } = this.#options
    const { plan, stage, domain, port } = listener
    const truststore =
      domain?.truststore && (await this.#truststore(domain.name, domain.truststore))
    return {
      host: '127.0.0.1',
      port: port.port,
      tls,
      ...(truststore !== undefined && { truststore }),
      ...(domain && { domainName: domain.name, ...(shapeRefusal && { shapeRefusal }) }),
      identity,
      apiId: plan.api.id,
      stage: stage.name,
      ...(stage.throttle && { throttle: stage.throttle }),
      ...(stage.routeThrottles && { routeThrottles: stage.routeThrottles }),
      routes: plan.routes.map((route) => gatewayRoute(plan, route)),
      functions,
      permits: (functionArn, source) =>
        permissions.permits(functionArn, 'apigateway.amazonaws.com', source),
      log,
    }
  }

  async #truststore(domain: string, at: NonNullable<Domain['truststore']>): Promise<string> {
    const object = await this.#options.s3.getObject(at.bucket, at.key, at.version)
    if (object) return object.body.toString('utf8')
    const version = at.version === undefined ? '' : ` in version ${at.version}`
    throw new CloudStartError(
      `The truststore s3://${at.bucket}/${at.key}${version} of domain ${domain} does not exist.`,
    )
  }

  #plan(apiId: string): ApiPlan {
    const plan = this.#plans.get(apiId)
    if (plan === undefined) throw new CloudStartError(`No stack makes the API ${apiId}.`)
    return plan
  }

  #hostOf(apiId: string): string {
    return `${apiId}.execute-api.${this.#options.identity.region}.amazonaws.com`
  }
}

function gatewayRoute(plan: ApiPlan, { key, integrationId }: Route): GatewayRoute {
  const integration = plan.integrations.get(integrationId)
  if (integration === undefined) {
    throw new CloudStartError(`The route ${key} of API ${plan.api.name} has no integration.`)
  }
  const [method = 'ANY', path = '$default'] = key.includes(' ') ? key.split(' ') : ['ANY', key]
  const { functionArn, timeoutMs } = integration
  return { method, path, functionArn, ...(timeoutMs !== undefined && { timeoutMs }) }
}
