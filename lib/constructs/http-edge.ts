import type { Duration } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
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
  /** True: the API answers on its own domain only, where client certificates are asked for. */
  readonly onlyByDomain: boolean
  /** Who may call, and why API Gateway is not the one to decide it. */
  readonly authorization: string
  readonly throttle?: ThrottleProps
  /** The edge answers 503 by itself when a function takes longer; absent: 30 s, the most there is. */
  readonly answerWithin?: Duration
}

/** The path is left out: a provider's holds a device token. */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    requestId: '$context.requestId',
    time: '$context.requestTime',
    sourceIp: '$context.identity.sourceIp',
    clientCertificate: '$context.identity.clientCert.serialNumber',
    route: '$context.routeKey',
    status: '$context.status',
    responseLength: '$context.responseLength',
    responseLatency: '$context.responseLatency',
    error: '$context.error.message',
    integrationError: '$context.integrationErrorMessage',
  }),
)

/** An HTTP API with one stage at its root, an access log, and functions behind it. */
export class HttpEdge extends Construct {
  readonly api: HttpApi
  readonly stage: HttpStage
  readonly #timeout: { readonly timeout?: Duration }

  constructor(scope: Construct, id: string, props: HttpEdgeProps) {
    super(scope, id)
    this.api = new HttpApi(this, 'Api', apiProps(props))
    this.stage = this.#stage(props)
    this.#timeout = props.answerWithin ? { timeout: props.answerWithin } : {}
    acknowledge(this, 'APIG4', props.authorization)
  }

  /** Sends a path's requests to a function, as payload format 2.0. */
  route(path: string, method: HttpMethod, handler: HeliographFunction): void {
    this.api.addRoutes({ path, methods: [method], integration: this.#integration(handler) })
  }

  /** Sends every request without a route of its own to a function. */
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

  #stage(props: HttpEdgeProps): HttpStage {
    const name = physicalName(props.stage, props.name)
    const log = new JournalGroup(this, 'AccessLog', props.stage, `/aws/apigateway/${name}`)
    return new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      accessLogSettings: {
        destination: new LogGroupLogDestination(log.group),
        format: accessLogFormat,
      },
      ...(props.throttle && {
        throttle: { rateLimit: props.throttle.ratePerSecond, burstLimit: props.throttle.burst },
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
