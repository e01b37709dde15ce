import { describe, expect, test } from 'vitest'
import {
  certificateSettings,
  type DomainCertificate,
  tokenSettings,
  troubleOf,
} from '../src/trust/domain-certificate.ts'

const DAY_MS = 24 * 3600_000
const now = Date.parse('2027-01-01T12:00:00Z')
const domain = 'push.example.com'

const good: DomainCertificate = {
  status: 'ISSUED',
  type: 'AMAZON_ISSUED',
  names: [domain],
  end: now + 395 * DAY_MS,
  renewable: true,
  renewal: undefined,
}

const trouble = (change: Partial<DomainCertificate>) =>
  troubleOf({ ...good, ...change }, { domain, settings: certificateSettings }, now)

describe('a certificate', () => {
  test.each<[string, Partial<DomainCertificate>]>([
    ['that ACM issued for the domain', {}],
    ['of a wildcard over the domain', { names: ['example.com', '*.example.com'] }],
    ['in another case', { names: ['Push.Example.COM'] }],
    ['with exactly 30 days left', { end: now + 30 * DAY_MS }],
  ])('%s has no trouble', (_name, change) => expect(trouble(change)).toBeUndefined())

  test('with less than 30 days left was not renewed', () => {
    expect(trouble({ end: now + 30 * DAY_MS - 1, renewal: 'FAILED, CAA_ERROR' })).toBe(
      'ends in 29 days (2027-01-31): ACM renews 60 days before the end, so its renewal has failed (FAILED, CAA_ERROR); restore the DNS record that ACM asks for, wait until it is renewed, and deploy again',
    )
  })

  test('that nothing uses is not renewed either', () => {
    expect(trouble({ end: now + 12 * DAY_MS, renewable: false })).toMatch(
      /^ends in 12 days \(2027-01-13\) and ACM does not renew it, because nothing uses it: request a new one/,
    )
  })

  test.each([
    ['PENDING_VALIDATION', /^is not issued yet: create the DNS record/],
    ['EXPIRED', /^is EXPIRED and not ISSUED: request another/],
    ['REVOKED', /^is REVOKED and not ISSUED: request another/],
  ])('that is %s is refused', (status, sentence) => expect(trouble({ status })).toMatch(sentence))

  test.each([
    'push.example.org',
    'example.com',
    '*.push.example.com',
    '*.com',
    'xpush.example.com',
    '*.ample.com',
  ])('for %s is not for the domain', (name) =>
    expect(trouble({ names: [name] })).toMatch(/^is for .* and not for push\.example\.com: set/),
  )

  test('for many names is shown with five of them, as CloudFormation shows a few lines', () => {
    const names = (count: number) => Array.from({ length: count }, (_, n) => `h${n}.example.org`)
    const five =
      'is for h0.example.org, h1.example.org, h2.example.org, h3.example.org, h4.example.org'
    expect(trouble({ names: names(5) })).toContain(`${five} and not for`)
    expect(trouble({ names: names(100) })).toContain(`${five} and 95 more and not for`)
  })

  test('whose renewal says nothing of itself has no status', () => {
    expect(trouble({ end: now })).toContain('its renewal has failed (no status)')
  })

  test.each(['IMPORTED', 'PRIVATE'])('that is %s needs what the stacks do not set', (type) =>
    expect(trouble({ type })).toMatch(/not issued by Amazon: .* ownership verification/),
  )

  test('that ACM does not know is refused', () => {
    const subject = { domain, settings: certificateSettings }
    expect(troubleOf(undefined, subject, now)).toMatch(/^does not exist in this account and region/)
  })
})

describe('a certificate of the token domain', () => {
  const judge = (found: Partial<DomainCertificate> | undefined) =>
    troubleOf(found && { ...good, ...found }, { domain, settings: tokenSettings }, now)

  test.each(['AMAZON_ISSUED', 'IMPORTED', 'PRIVATE'])(
    'may be %s: nobody owns a client by it',
    (type) => expect(judge({ type })).toBeUndefined(),
  )

  test('is held to its name, its state and its end as the other, by its own settings', () => {
    expect(judge({ names: ['a.example.com'] })).toMatch(
      /set -c tokenCertificateArn to one .*, or -c tokenDomain to a host/,
    )
    expect(judge(undefined)).toMatch(/set -c tokenCertificateArn to one/)
    expect(judge({ status: 'EXPIRED' })).toMatch(/^is EXPIRED/)
    expect(judge({ end: now })).toMatch(/^ends in 0 days/)
  })
})
