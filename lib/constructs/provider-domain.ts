import {
  ApiMapping,
  DomainName,
  EndpointType,
  type HttpStage,
  type MTLSConfig,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import type { HostedZoneProps } from '../stage.ts'
import type { HttpEdge } from './http-edge.ts'

export interface ProviderDomainProps {
  readonly domainName: string
  readonly certificateArn: string
  readonly edge: HttpEdge
  /** What the domain leads to, at its root. */
  readonly stage: HttpStage
  /** Present: no conversation without a certificate of the provider CA. */
  readonly mtls?: MTLSConfig
  readonly hostedZone: HostedZoneProps | undefined
}

/** A host that providers connect to. */
export class ProviderDomain extends Construct {
  readonly domain: DomainName

  constructor(scope: Construct, id: string, props: ProviderDomainProps) {
    super(scope, id)
    const { domainName, certificateArn, edge, stage, mtls, hostedZone } = props
    this.domain = new DomainName(this, 'Domain', {
      domainName,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
      ...(mtls && { mtls }),
    })
    new ApiMapping(this, 'Mapping', { api: edge.api, stage, domainName: this.domain })
    if (hostedZone) this.#record(domainName, hostedZone)
  }

  #record(recordName: string, { id, name }: HostedZoneProps): void {
    const zone = HostedZone.fromHostedZoneAttributes(this, 'Zone', {
      hostedZoneId: id,
      zoneName: name,
    })
    const { regionalDomainName, regionalHostedZoneId } = this.domain
    const target = new ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId)
    new ARecord(this, 'Record', { zone, recordName, target: RecordTarget.fromAlias(target) })
  }
}
