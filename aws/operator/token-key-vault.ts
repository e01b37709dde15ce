import { DecryptCommand, type KMSClient } from '@aws-sdk/client-kms'
import type { KeyInRing } from '../../core/key-ring.ts'
import type { TokenKey } from '../../core/ports.ts'

/**
 * Unwraps one token key, retired ones too: an operator may ask what a dead token was. The context is
 * the one that aws/token-keys.ts wraps with.
 */
export async function unwrapTokenKey(
  client: KMSClient,
  { wrapped, ...key }: KeyInRing,
): Promise<TokenKey> {
  const { Plaintext: bytes } = await client.send(
    new DecryptCommand({
      CiphertextBlob: wrapped,
      EncryptionContext: { purpose: 'heliograph-token-key', keyId: key.id },
    }),
  )
  if (!bytes) throw new Error(`KMS did not unwrap token key ${key.id}`)
  return { ...key, key: bytes }
}
