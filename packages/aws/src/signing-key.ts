import { createHash } from 'node:crypto'
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms'
import type { SigningKey } from '@heliograph/core/ports'

const signingAlgorithms = {
  'ECDSA-P256': 'ECDSA_SHA_256',
  'RSA-2048': 'RSASSA_PKCS1_V1_5_SHA_256',
} as const

/** A CA key in KMS; it signs digests, since KMS takes messages of at most 4,096 bytes. */
export function signingKey(
  client: KMSClient,
  keyArn: string,
  algorithm: SigningKey['algorithm'],
): SigningKey {
  return {
    algorithm,
    async sign(message) {
      const { Signature: signature } = await client.send(
        new SignCommand({
          KeyId: keyArn,
          Message: createHash('sha256').update(message).digest(),
          MessageType: 'DIGEST',
          SigningAlgorithm: signingAlgorithms[algorithm],
        }),
      )
      if (!signature) throw new Error('KMS returned no signature')
      return signature
    },
  }
}

/** SubjectPublicKeyInfo of a KMS key, DER. */
export async function publicKeyOf(client: KMSClient, keyArn: string): Promise<Uint8Array> {
  const { PublicKey: publicKey } = await client.send(new GetPublicKeyCommand({ KeyId: keyArn }))
  if (!publicKey) throw new Error(`KMS returned no public key for ${keyArn}`)
  return publicKey
}
