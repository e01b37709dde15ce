import type { KMSClient } from '@aws-sdk/client-kms'
import type { KeyInRing } from '../../core/key-ring.ts'
import type { TokenKey } from '../../core/ports.ts'
import { unwrapTokenKey } from '../token-keys.ts'

/** A key of the ring with its plain bytes; retired ones too: an operator may ask what a dead token was. */
export async function openTokenKey(
  client: KMSClient,
  { wrapped, ...key }: KeyInRing,
): Promise<TokenKey> {
  return { ...key, key: await unwrapTokenKey(client, key.id, wrapped) }
}
