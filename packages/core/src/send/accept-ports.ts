import type { DeviceToken } from '@heliograph/protocol/identifiers'
import type { PendingRules } from '@heliograph/protocol/pending-rule'
import type { Ids, NotificationQueue, Outcomes, Registrations, TokenKeyRing } from '../ports.ts'
import type { RateLimit } from '../rate-limit.ts'
import type { AuthenticatedProvider } from '../trust/authenticated-provider.ts'
import type { AuthenticatePorts } from './authenticate.ts'

export interface AcceptPorts extends AuthenticatePorts {
  readonly ids: Ids
  readonly ring: TokenKeyRing
  /** Only accept's look-up, which may answer from a cache of a stated age. */
  readonly registrations: Pick<Registrations, 'findAll'>
  readonly queue: NotificationQueue
  readonly outcomes: Outcomes
  /**
   * By the certificate's fingerprint or the key's id, for each recipient: no provider may use up
   * the functions' capacity.
   */
  readonly providerRate: RateLimit<AuthenticatedProvider['id']>
  readonly rate: RateLimit<DeviceToken>
  readonly defaultLifetimeSeconds: number
  readonly pendingRules: PendingRules
}
