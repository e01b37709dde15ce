import { generateKeyPairSync, sign } from 'node:crypto'
import type { Authority, AuthorityKey } from '@heliograph/core/ports'
import type { Seq } from '@heliograph/protocol/identifiers'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import { authorityHandler } from '../../lambdas/authority/handler.ts'
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

  ask(properties: Record<string, string>, event: object = { RequestType: 'Create' }) {
    const request = { ...event, ResourceProperties: properties }
    return authorityHandler({
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
    })(request as unknown as CloudFormationCustomResourceEvent)
  }
}

const provider = { authority: 'provider', removal: 'retain' }

describe('a CA', () => {
  test('of devices is made, and no truststore', async () => {
    const account = new Account()
    expect(await account.ask({ authority: 'device' })).toEqual({
      physicalId: 'prod-device-authority',
    })
    expect(account.saved).toMatchObject([{ name: 'device', keyArn: 'device-key' }])
    expect(account.published).toEqual([])
  })

  test('of providers is in the truststore, whose version the domain reads', async () => {
    const account = new Account()
    expect(await account.ask(provider)).toEqual({
      physicalId: 'prod-provider-authority',
      attributes: { TruststoreKey: 'truststore.pem', TruststoreVersion: 'v0' },
    })
    expect(account.published).toEqual([account.saved[0]?.certificate])
  })

  test('stays the same at an update', async () => {
    const account = new Account()
    for (const RequestType of ['Create', 'Update']) await account.ask(provider, { RequestType })
    expect(account.saved).toHaveLength(1)
  })

  test('of another name is refused', async () => {
    await expect(new Account().ask({ authority: 'other' })).rejects.toThrow(/provider or device/)
  })

  test('is not made when the resource is deleted, and the truststore goes only with a stage that is destroyed', async () => {
    const account = new Account([trusted])
    const deleted = { RequestType: 'Delete' }
    await account.ask(provider, deleted)
    expect(account.cleared).toBe(0)
    await account.ask({ authority: 'device', removal: 'destroy' }, deleted)
    expect(account.cleared).toBe(0)
    await account.ask({ ...provider, removal: 'destroy' }, deleted)
    expect(account.cleared).toBe(1)
    expect(account.saved).toEqual([])
  })
})

describe('the version that the provider domain reads', () => {
  test('is chosen when the resource is made', async () => {
    const account = new Account([trusted])
    account.saved.push({ name: 'provider', certificate: trusted, keyArn: 'key' })
    expect(await account.ask({ truststore: 'current' })).toEqual({ physicalId: 'v1' })
  })

  test('stays, whatever becomes of the truststore, so that every roll-back succeeds', async () => {
    for (const RequestType of ['Update', 'Delete'])
      expect(
        await new Account([]).ask(
          { truststore: 'current' },
          { RequestType, PhysicalResourceId: 'first' },
        ),
      ).toEqual({ physicalId: 'first' })
  })
})
