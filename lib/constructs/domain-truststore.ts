import { Construct } from 'constructs'
import type { StageProps } from '../stage.ts'
import type { Authorities } from './authorities.ts'
import { madeBy, scopeOf } from './made-by.ts'

export interface DomainTruststoreProps {
  readonly stage: StageProps
  readonly authorities: Authorities
}

/**
 * The version of the truststore that the provider domain reads. It is looked up in the domain's own stack: as an
 * export of another it could never change, since CloudFormation refuses to change one that is in use.
 */
export class DomainTruststore extends Construct {
  readonly version: string

  constructor(scope: Construct, id: string, { stage, authorities }: DomainTruststoreProps) {
    super(scope, id)
    const truststore = stage.truststoreVersion ?? 'current'
    const chosen = madeBy(authorities.maker, scopeOf(this, truststore), 'Truststore', {
      truststore,
    })
    this.version = chosen.ref
  }
}
