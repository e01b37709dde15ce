import { generateKeyPairSync, sign } from 'node:crypto'
import { issueAuthority } from '@heliograph/core/trust/certificate'

/** A CA certificate (PEM) that is valid until then. */
export function certificateEnding(notAfter: Date): Promise<string> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKey = new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }))
  const key = {
    algorithm: 'ECDSA-P256' as const,
    sign: async (message: Uint8Array) => new Uint8Array(sign('sha256', message, pair.privateKey)),
  }
  const notBefore = new Date(notAfter.getTime() - 3650 * 24 * 3600_000)
  return issueAuthority('test', publicKey, { notBefore, notAfter }, new Uint8Array(16).fill(1), key)
}
