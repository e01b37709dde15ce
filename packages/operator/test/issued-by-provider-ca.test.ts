import { readFileSync } from 'node:fs'
import type { RevokedCertificate } from '@heliograph/core/trust/revocation-list'
import type { Topic } from '@heliograph/protocol/identifiers'
import { describe, expect, it } from 'vitest'
import { issueProviderCertificate } from '../src/x509/provider-certificate.ts'
import { issueRevocationList } from '../src/x509/revocation-list.ts'

interface Vectors {
  readonly authority: string
  /** SubjectPublicKeyInfo, base64. */
  readonly publicKey: string
  readonly certificates: readonly {
    readonly description: string
    readonly topics: [Topic, ...Topic[]]
    readonly serial: string
    readonly notBefore: string
    readonly notAfter: string
    readonly pem: string
  }[]
  readonly revocationLists: readonly {
    readonly description: string
    readonly revoked: readonly RevokedCertificate[]
    readonly thisUpdate: string
    readonly nextUpdate: string
    readonly pem: string
  }[]
}

const file = new URL('../../../test/vectors/issued-by-provider-ca.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const authority = {
  certificate: vectors.authority,
  key: {
    algorithm: 'RSA-2048' as const,
    sign: async () => new Uint8Array(256).fill(0x5a),
  },
}
const publicKey = Buffer.from(vectors.publicKey, 'base64')

describe('what the provider CA makes, to the byte', () => {
  it.each(vectors.certificates)('certificate: $description', async (vector) => {
    const validity = {
      notBefore: new Date(vector.notBefore),
      notAfter: new Date(vector.notAfter),
    }
    const serial = Buffer.from(vector.serial, 'hex')
    const subject = { topics: vector.topics, publicKey }
    expect(await issueProviderCertificate(subject, validity, serial, authority)).toBe(vector.pem)
  })

  it.each(vectors.revocationLists)('revocation list: $description', async (vector) => {
    const period = {
      thisUpdate: new Date(vector.thisUpdate),
      nextUpdate: new Date(vector.nextUpdate),
    }
    expect(await issueRevocationList(vector.revoked, period, authority)).toBe(vector.pem)
  })
})
