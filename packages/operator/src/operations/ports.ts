import type { UnregisterPorts } from '@heliograph/core/devices/unregister'
import { deathOf } from '@heliograph/core/events/announcement'
import type { Outcome } from '@heliograph/core/outcome'
import type { Authority, SigningKey } from '@heliograph/core/ports'
import type { Announcement } from '@heliograph/protocol/messages'
import type { DeadTokenReason } from '@heliograph/protocol/reasons'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'

/**
 * Does work that ends notifications, and passes their outcomes and the dead tokens on for receipts
 * and events, as the functions do. `reason` is why the tokens are dead.
 */
export async function endingNotifications<Result>(
  deployment: Deployment,
  work: (ports: UnregisterPorts) => Promise<Result>,
  reason: DeadTokenReason = 'Unregistered',
): Promise<Result> {
  const outcomes: Outcome[] = []
  const deaths: Announcement[] = []
  const result = await work({
    ...unregisterPorts(deployment),
    outcomes: {
      record: (outcome) => outcomes.push(outcome),
      recordTogether: (some) => outcomes.push(...some),
    },
    deadTokens: { record: (dead) => void deaths.push(deathOf(dead, reason)) },
  })
  await tell(deployment, outcomes, deaths)
  return result
}

async function tell(
  { ports }: Deployment,
  outcomes: readonly Outcome[],
  deaths: readonly Announcement[],
): Promise<void> {
  try {
    if (outcomes.length > 0) await ports.outcomes?.send(outcomes)
    if (deaths.length > 0) await ports.announcements?.send(deaths)
  } catch (fault) {
    throw new Failure(
      'failed',
      `it is done, but receipts lack the end of ${outcomes.length} dropped notifications, and subscribers may not be told about ${deaths.length} dead tokens: ${fault}`,
    )
  }
}

/** What the rules need to end a registration. */
function unregisterPorts({ ports, clock }: Deployment): UnregisterPorts {
  const { pending, registrations, feedback, ring } = ports
  return {
    ...{ clock, pending, registrations, feedback, ring },
    // outcomes belong in the service's log; the operator gets the command's report
    outcomes: { record: () => {}, recordTogether: () => {} },
    deadTokens: { record: () => {} },
  }
}

const algorithms = { provider: 'RSA-2048', device: 'ECDSA-P256' } as const

/** The key of a CA, for what issues certificates and lists with it. */
export function signingKeyOf({ ports }: Deployment, name: Authority['name']): SigningKey {
  return {
    algorithm: algorithms[name],
    sign: (message) => ports.authorityKeys.sign(name, message),
  }
}
