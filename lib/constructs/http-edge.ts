import type { Duration } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  CfnStage,
  HttpApi,
  type HttpApiProps,
  type HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Construct } from 'constructs'
import { type Deployment, physicalName } from '../deployment.ts'
import type { ThrottleProps } from '../stage.ts'
import { acknowledge } from './acknowledge.ts'
import type { HeliographFunction } from './function.ts'
import { JournalGroup } from './journal-group.ts'

export interface HttpEdgeProps extends Deployment {
  /** Part of the API's name and of its log's. */
  readonly name: string
  readonly description: string
  /** True: the API answers only on its custom domain, which asks for client certificates. */
  readonly onlyByDomain: boolean
  /** Who may call, and why API Gateway is not the one to decide it. */
  readonly authorization: string
  readonly throttle?: ThrottleProps
  /** The edge itself answers 503 if a function takes longer; absent: 30 s, the maximum. */
  readonly answerWithin?: Duration
}

/** The path is left out: a provider's holds a device token. */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    requestId: '$context.requestId',
    time: '$context.requestTime',
    sourceIp: '$context.identity.sourceIp',
    stage: '$context.stage',
    clientCertificate: '$context.identity.clientCert.serialNumber',
    route: '$context.routeKey',
    status: '$context.status',
    responseLength: '$context.responseLength',
    responseLatency: '$context.responseLatency',
    error: '$context.error.message',
    integrationError: '$context.integrationErrorMessage',
  }),
)

/** An HTTP API with a stage at its root, an access log, and functions behind it. */
export class HttpEdge extends Construct {
  readonly api: HttpApi
  readonly stage: HttpStage
  readonly #log: JournalGroup
  readonly #timeout: { readonly timeout?: Duration }

  constructor(scope: Construct, id: string, props: HttpEdgeProps) {
    super(scope, id)
    this.api = new HttpApi(this, 'Api', apiProps(props))
    const name = physicalName(props.stage, props.name)
    // The prefix keeps API Gateway's entry out of the logs' resource policy, which has a size limit.
    const logName = `/aws/vendedlogs/apigateway/${name}`
    this.#log = new JournalGroup(this, 'AccessLog', props.stage, logName)
    this.stage = this.#stage('Stage', '$default', props.throttle)
    this.#timeout = props.answerWithin ? { timeout: props.answerWithin } : {}
    acknowledge(this, 'APIG4', props.authorization)
  }

  /** Another entrance to the same functions, with its own rate; a domain leads to it. */
  addStage(id: string, stageName: string, throttle: ThrottleProps): HttpStage {
    return this.#stage(id, stageName, throttle)
  }

  /** Sends a path's requests to a function, as payload format 2.0. */
  route(path: string, method: HttpMethod, handler: HeliographFunction): HttpRoute[] {
    return this.api.addRoutes({ path, methods: [method], integration: this.#integration(handler) })
  }

  /** A path that has its own rate in each stage, instead of the stage's. */
  routeAtRate(
    path: string,
    method: HttpMethod,
    handler: HeliographFunction,
    throttle: ThrottleProps,
  ): void {
    const routes = this.route(path, method, handler)
    const stages = this.node.children.filter((child) => child instanceof HttpStage)
    for (const stage of stages) {
      const { defaultChild } = stage.node
      if (!(defaultChild instanceof CfnStage)) throw new Error(`${stage.node.path} has no resource`)
      defaultChild.routeSettings = {
        ...defaultChild.routeSettings,
        [`${method} ${path}`]: {
          ThrottlingRateLimit: throttle.ratePerSecond,
          ThrottlingBurstLimit: throttle.burst,
        },
      }
      // a stage accepts settings only for existing routes
      for (const route of routes) defaultChild.node.addDependency(route)
    }
  }

  /** Sends every request without a specific route to a function. */
  otherwise(handler: HeliographFunction): void {
    new HttpRoute(this, 'Otherwise', {
      httpApi: this.api,
      routeKey: HttpRouteKey.DEFAULT,
      integration: this.#integration(handler),
    })
  }

  #integration(handler: HeliographFunction): HttpLambdaIntegration {
    return new HttpLambdaIntegration(
      `${handler.node.id}Integration`,
      handler.resource,
      this.#timeout,
    )
  }

  #stage(id: string, stageName: string, throttle: ThrottleProps | undefined): HttpStage {
    return new HttpStage(this, id, {
      httpApi: this.api,
      stageName,
      autoDeploy: true,
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.#log.group),
        format: accessLogFormat,
      },
      ...(throttle && {
        throttle: { rateLimit: throttle.ratePerSecond, burstLimit: throttle.burst },
      }),
    })
  }
}

function apiProps(props: HttpEdgeProps): HttpApiProps {
  return {
    apiName: physicalName(props.stage, props.name),
    description: props.description,
    createDefaultStage: false,
    disableExecuteApiEndpoint: props.onlyByDomain,
  }
}
