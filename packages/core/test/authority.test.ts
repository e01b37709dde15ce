import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import type { Seq } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import type { Authority, AuthorityKey } from '../src/ports.ts'
import { type AuthorityPorts, makeAuthority } from '../src/trust/authority.ts'

const now = Date.parse('2027-01-01T00:00:00Z')
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const key = (arn: string): AuthorityKey => ({
  arn,
  algorithm: 'ECDSA-P256',
  publicKey: async () => pair.publicKey.export({ type: 'spki', format: 'der' }),
  sign: async (message) => sign('sha256', message, pair.privateKey),
})

function newAccount(): AuthorityPorts & { readonly saved: Authority[] } {
  const saved: Authority[] = []
  return {
    saved,
    clock: { now: () => now },
    ids: {
      bytes: (length) => new Uint8Array(length).fill(1),
      uuid: () => 'X',
      seq: () => 'S' as Seq,
    },
    stage: 'prod',
    keys: { provider: key('provider-key'), device: key('device-key') },
    authorities: {
      find: async (name) => saved.find((each) => each.name === name),
      save: async (authority) => void saved.push(authority),
    },
  }
}

test('a CA is made for twenty years and put on record with its key', async () => {
  const account = newAccount()
  const authority = await makeAuthority('device', account)
  expect(account.saved).toEqual([authority])
  expect(authority).toMatchObject({ name: 'device', keyArn: 'device-key' })
  const { subject, validFrom, validTo, ca, publicKey } = new X509Certificate(authority.certificate)
  expect(ca).toBe(true)
  expect(subject).toContain('Heliograph prod device CA')
  expect(publicKey.equals(pair.publicKey)).toBe(true)
  expect(Date.parse(validFrom)).toBe(now)
  expect((Date.parse(validTo) - now) / (365.25 * 24 * 3600_000)).toBeCloseTo(20, 2)
})

test('a CA is made once, whatever is asked again', async () => {
  const account = newAccount()
  const first = await makeAuthority('provider', account)
  await makeAuthority('device', account)
  expect(await makeAuthority('provider', account)).toBe(first)
  expect(account.saved.map(({ name, keyArn }) => [name, keyArn])).toEqual([
    ['provider', 'provider-key'],
    ['device', 'device-key'],
  ])
})

test('a CA that could not be put on record is not returned: nobody would know its certificate', async () => {
  const account = newAccount()
  const save = () => Promise.reject(new Error('throttled'))
  const authorities = { ...account.authorities, save }
  await expect(makeAuthority('device', { ...account, authorities })).rejects.toThrow('throttled')
})
