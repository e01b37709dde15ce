import { describe, expect, test } from 'vitest'
import { certificateEnding } from '../../../test/lambdas/certificates.ts'
import { chooseTruststore, publishAuthority } from '../src/trust/truststore.ts'

const trusted = await certificateEnding(new Date('2046-01-01T00:00:00Z'))
const foreign = await certificateEnding(new Date('2046-01-01T00:00:00Z'))

describe('publishing the provider CA', () => {
  /** `held`: what the truststore that is there holds. */
  function publish(held?: readonly string[]) {
    const published: string[] = []
    const done = publishAuthority(
      { certificate: trusted },
      {
        truststore: {
          current: async () => (held ? { key: 'truststore.pem', version: 'v1' } : undefined),
          put: async (pem) => {
            published.push(pem)
            return { key: 'truststore.pem', version: 'v0' }
          },
          clear: () => Promise.reject(new Error('nothing is removed')),
        },
        trustedCertificates: async () => held ?? [],
      },
    )
    return { done, published }
  }

  test('makes the truststore', async () => {
    const { done, published } = publish()
    expect(await done).toEqual({ key: 'truststore.pem', version: 'v0' })
    expect(published).toEqual([trusted])
  })

  test('keeps the one that is there', async () => {
    const { done, published } = publish([foreign])
    expect(await done).toEqual({ key: 'truststore.pem', version: 'v1' })
    expect(published).toEqual([])
  })

  test.each([
    ['of more than 1,000 certificates', Array.from({ length: 1001 }, () => 'pem')],
    ['of more than 1 MB', Array.from({ length: 800 }, () => 'x'.repeat(1400))],
    ['of more than 1 MB with the line ends', Array.from({ length: 512 }, () => 'x'.repeat(2048))],
  ])('refuses one %s before API Gateway reads it', async (_name, certificates) => {
    await expect(publish(certificates).done).rejects.toThrow(
      /^the truststore holds [\d]+ certificates in [\d]+ bytes and API Gateway takes at most 1,000 in 1 MB: restore/,
    )
  })

  test('refuses one that somebody emptied', async () => {
    await expect(publish([]).done).rejects.toThrow(/holds no certificate: restore/)
  })

  test.each([
    ['1,000 certificates', Array.from({ length: 1000 }, () => 'pem')],
    ['1 MB', Array.from({ length: 512 }, () => 'x'.repeat(2047))],
  ])('takes one of exactly %s', async (_name, certificates) => {
    await expect(publish(certificates).done).resolves.toBeDefined()
  })
})

describe('the version that the provider domain reads', () => {
  const versions: Readonly<Record<string, readonly string[]>> = {
    first: [trusted],
    restored: [`${trusted.trim()}\n`],
    foreign: [foreign],
    more: [trusted, foreign],
    empty: [],
  }

  const choose = (wanted: string, newest?: string, authority: string | undefined = trusted) =>
    chooseTruststore(wanted, {
      authorities: {
        find: async (name) =>
          authority && name === 'provider'
            ? { name, certificate: authority, keyArn: 'key' }
            : undefined,
      },
      truststore: {
        current: async () => (newest ? { key: 'truststore.pem', version: newest } : undefined),
        put: () => Promise.reject(new Error('nothing is written')),
        clear: () => Promise.reject(new Error('nothing is removed')),
      },
      trustedCertificates: async (version = '') => {
        const held = versions[version]
        if (!held) throw new Error('The specified version does not exist.')
        return held
      },
    })

  test('is the newest, or the one that was asked for', async () => {
    expect(await choose('current', 'restored')).toBe('restored')
    expect(await choose('first', 'restored')).toBe('first')
  })

  test.each([
    [
      'of another CA',
      'foreign',
      /^version foreign of the truststore holds certificates other than/,
    ],
    ['with another CA as well', 'more', /^version more of the truststore holds certificates other/],
    ['without a certificate', 'empty', /^the truststore holds no certificate: restore/],
    ['that does not exist', 'gone', /version does not exist/],
  ])('is never one %s', async (_what, version, sentence) => {
    await expect(choose(version)).rejects.toThrow(sentence)
    await expect(choose('current', version)).rejects.toThrow(sentence)
  })

  test('is never chosen if there is no truststore', async () => {
    await expect(choose('current')).rejects.toThrow(/^there is no truststore in the trust bucket/)
  })

  test('is never chosen before there is a provider CA', async () => {
    await expect(choose('first', undefined, '')).rejects.toThrow(/no provider CA is on record/)
  })
})
