import { invoke } from '../../aws/operator/functions.ts'
import { tokenKeyStore } from '../../aws/token-keys.ts'
import { parseTokenKeyId, type TokenKeyId } from '../../core/identifiers.ts'
import { type KeyInRing, ringOf } from '../../core/key-ring.ts'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'

/** The ring, newest key first; the keys themselves stay wrapped. */
export async function listTokenKeys(deployment: Deployment): Promise<readonly KeyInRing[]> {
  return ringOf(await storeOf(deployment).list())
}

export interface Rotated {
  readonly created: TokenKeyId
  readonly retired: readonly TokenKeyId[]
}

/** Adds a primary key and retires those past their grace time, as the schedule does. */
export async function rotateTokenKeys({ clients, outputs }: Deployment): Promise<Rotated> {
  const answer = (await invoke(clients.lambda, outputs.RotateFunction, {})) as Partial<Rotated>
  if (!parseTokenKeyId(answer?.created))
    throw new Error('the rotate function answered without the new key')
  return answer as Rotated
}

/** Ends an accepted key at once: every token it sealed is dead within a minute. */
export async function retireTokenKey(deployment: Deployment, text: string): Promise<TokenKeyId> {
  const id = parseTokenKeyId(text.toUpperCase())
  const key = (await listTokenKeys(deployment)).find((one) => one.id === id)
  if (!id || !key) throw new Failure('notFound', `there is no token key ${text}: see key list`)
  if (key.state === 'primary')
    throw new Failure('refused', `${id} is the primary key: run heliograph key rotate first`)
  await storeOf(deployment).retire(id, deployment.clock.now())
  return id
}

function storeOf({ clients, outputs }: Deployment) {
  const { dynamoDb, kms } = clients
  return tokenKeyStore(dynamoDb, kms, outputs.TokenKeysTable, outputs.TokenWrapKey)
}
