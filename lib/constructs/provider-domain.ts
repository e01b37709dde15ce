import {
  ApiMapping,
  DomainName,
  EndpointType,
  type MTLSConfig,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import type { HostedZoneProps, StageProps } from '../stage.ts'
import type { HttpEdge } from './http-edge.ts'

export interface ProviderDomainProps {
  readonly stage: StageProps
  readonly edge: HttpEdge
  readonly mtls: MTLSConfig
}

/** The host that providers connect to: no conversation without a certificate of the provider CA. */
export class ProviderDomain extends Construct {
  readonly domain: DomainName

  constructor(scope: Construct, id: string, { stage, edge, mtls }: ProviderDomainProps) {
    super(scope, id)
    this.domain = new DomainName(this, 'Domain', {
      domainName: stage.domain,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', stage.certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
      mtls,
    })
    new ApiMapping(this, 'Mapping', {
      api: edge.api,
      stage: edge.stage,
      domainName: this.domain,
    })
    if (stage.hostedZone) this.#record(stage.domain, stage.hostedZone)
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
