import { Construct } from 'constructs'
import type { Deployment } from '../deployment.ts'
import { HeliographFunction } from './function.ts'
import { madeBy } from './made-by.ts'
import type { Stores } from './stores.ts'
import type { TrustBucket } from './trust-bucket.ts'
import type { Vault } from './vault.ts'

export interface AuthoritiesProps extends Deployment {
  readonly stores: Stores
  readonly vault: Vault
  readonly trust: TrustBucket
}

/** The certificates of both CAs, made at the first deployment and kept from then on. */
export class Authorities extends Construct {
  /** Of the object that holds the provider CA's certificate. */
  readonly truststoreKey: string
  /** The object's version when the stage was first deployed. */
  readonly firstTruststoreVersion: string
  readonly maker: HeliographFunction

  constructor(scope: Construct, id: string, props: AuthoritiesProps) {
    super(scope, id)
    this.maker = new HeliographFunction(this, 'authority', props, {
      description: 'Makes the certificates of the provider CA and the device CA',
      timeoutSeconds: 60,
      memoryMegabytes: 512,
    })
    this.#grant(props)
    const { name: stage, removal } = props.stage
    const common = { stage, removal }
    madeBy(this.maker, this, 'DeviceAuthority', { authority: 'device', ...common })
    const provider = madeBy(this.maker, this, 'ProviderAuthority', {
      authority: 'provider',
      ...common,
    })
    this.truststoreKey = provider.getAttString('TruststoreKey')
    this.firstTruststoreVersion = provider.getAttString('TruststoreVersion')
  }

  #grant({ stores, vault, trust }: AuthoritiesProps): void {
    stores.authorities.grant(this.maker, 'GetItem', 'PutItem')
    vault.providerAuthority.grant(this.maker, 'GetPublicKey', 'Sign')
    vault.deviceAuthority.grant(this.maker, 'GetPublicKey', 'Sign')
    trust.grantPublish(this.maker)
  }
}
