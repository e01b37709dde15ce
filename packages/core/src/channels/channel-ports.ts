import type { BroadcastOutcomes, Broadcasts, Channels, Ids } from '../ports.ts'
import type { RateLimit } from '../rate-limit.ts'
import type { AuthenticatePorts } from '../send/authenticate.ts'
import type { AuthenticatedProvider } from '../trust/authenticated-provider.ts'

export interface ChannelPorts extends AuthenticatePorts {
  readonly ids: Ids
  readonly channels: Channels
  readonly broadcasts: Broadcasts
  readonly outcomes: BroadcastOutcomes
  /** By the certificate's fingerprint or the key's id, for each request. */
  readonly providerRate: RateLimit<AuthenticatedProvider['id']>
}
