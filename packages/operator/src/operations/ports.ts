import type { UnregisterPorts } from '@heliograph/core/devices/unregister'
import type { Outcome } from '@heliograph/core/outcome'
import type { Authority, SigningKey } from '@heliograph/core/ports'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'

/**
 * Does work that ends notifications, and hands their outcomes to where receipts are made of them, as the
 * functions do.
 */
export async function endingNotifications<Result>(
  deployment: Deployment,
  work: (ports: UnregisterPorts) => Promise<Result>,
): Promise<Result> {
  const outcomes: Outcome[] = []
  const result = await work({
    ...unregisterPorts(deployment),
    outcomes: {
      record: (outcome) => outcomes.push(outcome),
      recordTogether: (some) => outcomes.push(...some),
    },
  })
  try {
    if (outcomes.length > 0) await deployment.ports.outcomes?.send(outcomes)
  } catch (fault) {
    throw new Failure(
      'failed',
      `it is done, but the receipts of ${outcomes.length} dropped notifications lack their end: ${fault}`,
    )
  }
  return result
}

/** What the rules need to end a registration. */
export function unregisterPorts({ ports, clock }: Deployment): UnregisterPorts {
  const { pending, registrations, feedback, ring } = ports
  return {
    ...{ clock, pending, registrations, feedback, ring },
    // the log of the service is where outcomes belong; the command's report tells the operator
    outcomes: { record: () => {}, recordTogether: () => {} },
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
