import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import type { Seq } from '../../core/identifiers.ts'
import type { Authority } from '../../core/ports.ts'
import { type AuthorityKey, makeAuthority } from '../../lambdas/authority/handler.ts'
import { certificateEnding } from './certificates.ts'

const now = Date.parse('2027-01-01T00:00:00Z')
const trusted = await certificateEnding(new Date('2046-01-01T00:00:00Z'))

function key(arn: string): AuthorityKey {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    arn,
    algorithm: 'ECDSA-P256',
    publicKey: async () => pair.publicKey.export({ type: 'spki', format: 'der' }),
    sign: async (message) => sign('sha256', message, pair.privateKey),
  }
}

/** An account in which nothing was made yet, or a truststore is there already. */
class Account {
  readonly saved: Authority[] = []
  readonly published: string[] = []
  cleared = 0
  readonly trusted: readonly string[] | undefined

  constructor(trusted?: readonly string[]) {
    this.trusted = trusted
  }

  make(properties: Record<string, string>, RequestType = 'Create') {
    const event = { RequestType, ResourceProperties: properties }
    return makeAuthority(event as unknown as CloudFormationCustomResourceEvent, {
      clock: { now: () => now },
      ids: {
        bytes: (length: number) => new Uint8Array(length).fill(1),
        uuid: () => 'X',
        seq: () => 'S' as Seq,
      },
      stage: 'prod',
      keys: { provider: key('provider-key'), device: key('device-key') },
      authorities: {
        find: async (name) => this.saved.find((each) => each.name === name),
        save: async (authority) => void this.saved.push(authority),
      },
      truststore: {
        current: async () => (this.trusted ? { key: 'truststore.pem', version: 'v1' } : undefined),
        put: async (pem) => {
          this.published.push(pem)
          return { key: 'truststore.pem', version: 'v0' }
        },
        clear: async () => {
          this.cleared += 1
        },
      },
      trustedCertificates: async () => this.trusted ?? [],
    })
  }
}

describe('a CA', () => {
  test('is made for twenty years and put on record with its key', async () => {
    const account = new Account()
    expect(await account.make({ authority: 'device' })).toEqual({
      physicalId: 'prod-device-authority',
    })
    const [{ certificate = '', keyArn } = {}] = account.saved
    const { subject, validFrom, validTo, ca } = new X509Certificate(certificate)
    expect({ subject, keyArn, ca }).toMatchObject({ keyArn: 'device-key', ca: true })
    expect(subject).toContain('Heliograph prod device CA')
    const years = (Date.parse(validTo) - Date.parse(validFrom)) / (365.25 * 24 * 3600_000)
    expect(years).toBeCloseTo(20, 2)
  })

  test('is made once, whatever is asked again', async () => {
    const account = new Account()
    for (const type of ['Create', 'Create', 'Update']) {
      await account.make({ authority: 'provider' }, type)
      await account.make({ authority: 'device' }, type)
    }
    expect(account.saved.map(({ name }) => name)).toEqual(['provider', 'device'])
  })

  test('of another name is refused', async () => {
    await expect(new Account().make({ authority: 'other' })).rejects.toThrow(/provider or device/)
  })
})

describe('the truststore', () => {
  const provider = { authority: 'provider', removal: 'retain' }

  test('holds the provider CA, and its version is what the domain reads', async () => {
    const account = new Account()
    const { attributes } = await account.make(provider)
    expect(attributes).toEqual({ TruststoreKey: 'truststore.pem', TruststoreVersion: 'v0' })
    expect(account.published).toEqual([account.saved[0]?.certificate])
  })

  test('that is there is kept', async () => {
    const account = new Account([trusted])
    const { attributes } = await account.make(provider)
    expect(attributes).toMatchObject({ TruststoreVersion: 'v1' })
    expect(account.published).toEqual([])
  })

  test.each([
    ['of more than 1,000 certificates', Array.from({ length: 1001 }, () => 'pem')],
    ['of more than 1 MB', Array.from({ length: 800 }, () => 'x'.repeat(1400))],
  ])('%s is refused before API Gateway reads it', async (_name, certificates) => {
    await expect(new Account(certificates).make(provider)).rejects.toThrow(
      /^the truststore holds [\d]+ certificates in [\d]+ bytes and API Gateway takes at most 1,000 in 1 MB: restore/,
    )
  })

  test('that somebody emptied is refused', async () => {
    await expect(new Account([]).make(provider)).rejects.toThrow(/holds no certificate: restore/)
  })

  test('of exactly 1,000 certificates is taken', async () => {
    const certificates = Array.from({ length: 1000 }, () => 'pem')
    await expect(new Account(certificates).make(provider)).resolves.toBeDefined()
  })

  test('goes with a stage that is destroyed, and with no other', async () => {
    const account = new Account([trusted])
    await account.make(provider, 'Delete')
    expect(account.cleared).toBe(0)
    await account.make({ ...provider, removal: 'destroy' }, 'Delete')
    expect(account.cleared).toBe(1)
  })
})
