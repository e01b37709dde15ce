import { type KeyInRing, ringOf } from '@heliograph/core/token/key-ring'
import type { Rotation } from '@heliograph/core/token/rotate'
import { parseTokenKeyId, type TokenKeyId } from '@heliograph/protocol/identifiers'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'

/** The ring, newest key first; the keys themselves stay wrapped. */
export async function listTokenKeys(deployment: Deployment): Promise<readonly KeyInRing[]> {
  return ringOf(await deployment.ports.tokenKeys.list())
}

/** Adds a primary key and retires those past their grace time, as the schedule does. */
export function rotateTokenKeys({ ports }: Deployment): Promise<Rotation> {
  return ports.tokenKeys.rotate()
}

/** Ends an accepted key at once: every token it sealed is dead within a minute. */
export async function retireTokenKey(deployment: Deployment, text: string): Promise<TokenKeyId> {
  const id = parseTokenKeyId(text.toUpperCase())
  const key = (await listTokenKeys(deployment)).find((one) => one.id === id)
  if (!id || !key) throw new Failure('notFound', `there is no token key ${text}: see key list`)
  if (key.state === 'primary')
    throw new Failure('refused', `${id} is the primary key: run heliograph key rotate first`)
  await deployment.ports.tokenKeys.retire(id, deployment.clock.now())
  return id
}
